// SPDX-License-Identifier: BSL-1.0
// Bytes from anywhere: cut short, flipped, and changed while they are read. Rows 17 and 21 of the known
// failures.
#include "everything.hpp"
#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <random>
#include <sys/mman.h>
#include <thread>

using namespace ferry;
using namespace ferry::test;

namespace {

/// Reads the bytes; whatever they are, the outcome is a value or a ferry::error.
bool survives(std::span<const std::byte> bytes, const archive_options& options) {
  try {
    loads<all::everything>(bytes, options);
    return true;
  } catch (const error&) {
    return false;
  }
}

struct list {
  std::unique_ptr<list> next;
};
struct leaf_chain {
  std::vector<leaf_chain> inside;
};
struct recursive_class {
  std::vector<recursive_class> inside;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& inside;
  }
};
/// Holds nothing that could be deep, and yet is read as deep as the bytes say.
struct deep_only_on_the_stack {
  int unused = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    bool more = false;
    archive& more;
    if (!more) return;
    deep_only_on_the_stack next;
    archive& next;
  }
};
struct by_optional {
  std::map<int, by_optional> inside;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(hostile)

BOOST_AUTO_TEST_CASE(the_value_that_uses_everything_crosses) {
  for (const bool overriding : {false, true}) {
    const auto options = all::options(overriding);
    const auto arrived = crossed(all::full_value(), options);
    BOOST_TEST(arrived.pet->legs() == 4);
    BOOST_TEST(dynamic_cast<all::dog&>(*arrived.pet).friend_of->legs() == 10);
    BOOST_TEST(dynamic_cast<void*>(arrived.shared_pet.get()) == dynamic_cast<void*>(arrived.same_pet.get()));
    BOOST_TEST(arrived.nodes.at(1)->back.lock() == arrived.nodes.at(0));
    BOOST_TEST(arrived.classes.at(1).children.size() == 2U);
    BOOST_TEST(arrived.made.at(1).id() == 2);
    BOOST_CHECK_THROW(std::rethrow_exception(arrived.known), std::out_of_range);
    BOOST_CHECK_THROW(std::rethrow_exception(arrived.unknown), remote_error);
    BOOST_TEST(bytes_of(arrived, options).size() == bytes_of(all::full_value(), options).size());
  }
}

BOOST_AUTO_TEST_CASE(no_beginning_of_a_message_is_a_message) {
  for (const bool overriding : {false, true}) {
    const auto options = all::options(overriding);
    const auto bytes = bytes_of(all::full_value(), options);
    for (std::size_t size = 0; size != bytes.size(); ++size)
      BOOST_REQUIRE_MESSAGE(!survives(std::span(bytes).first(size), options),
                            "the first " << size << " bytes");
  }
}

BOOST_AUTO_TEST_CASE(no_flipped_byte_does_more_than_an_error) {
  for (const bool overriding : {false, true}) {
    const auto options = all::options(overriding);
    const auto valid = bytes_of(all::full_value(), options);
    auto bytes = valid;
    std::size_t read = 0;
    for (std::size_t i = 0; i != bytes.size(); ++i) {
      for (const unsigned flip : {0x01U, 0x02U, 0x80U, 0xffU}) {
        bytes[i] ^= static_cast<std::byte>(flip);
        if (survives(bytes, options)) ++read;
        bytes[i] = valid[i];
      }
    }
    BOOST_TEST(read > 0U);  // content that is as good as any
  }
}

BOOST_AUTO_TEST_CASE(several_flipped_bytes_do_no_more_than_an_error) {
  const auto options = all::options(true);
  const auto valid = bytes_of(all::full_value(), options);
  std::mt19937 random(1);  // the same bytes in every run
  for (int round = 0; round != 3000; ++round) {
    auto bytes = valid;
    for (unsigned flips = 1 + random() % 8; flips != 0; --flips)
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    survives(bytes, options);
  }
}

BOOST_AUTO_TEST_CASE(every_part_of_the_head_is_checked_before_the_body) {
  const auto refused = [](std::size_t place, const std::string& why) {
    auto bytes = bytes_of(1);
    bytes[place] ^= std::byte{0x40};
    CHECK_THROWS_SAYING(archive_error, why, loads<int>(bytes));
  };
  refused(0, "do not begin with FRY1");
  refused(4, "is of version 66, this library reads version 2");
  refused(5, "bits set that mean nothing");
  refused(8, "hash of the type's name");
  refused(16, "its head says");
  refused(24, "handles");
  refused(31, "for versions");
  refused(32, "hash of the type's name");
  CHECK_THROWS_SAYING(archive_error, "are no message of Ferry", loads<int>(std::span<const std::byte>()));
  auto bytes = bytes_of(1);
  bytes.push_back(std::byte{0});
  CHECK_THROWS_SAYING(archive_error, "its head says", loads<int>(bytes));
}

BOOST_AUTO_TEST_CASE(an_error_says_at_which_byte) {
  auto bytes = with_body(std::vector<bool>(), {2, 1, 7});
  try {
    loads<std::vector<bool>>(bytes);
    BOOST_ERROR("nothing was thrown");
  } catch (const archive_error& error) {
    BOOST_TEST(error.offset() == bytes.size());
    BOOST_TEST(contains(error.what(), "(at byte " + std::to_string(bytes.size()) + ")"));
  }
}

BOOST_AUTO_TEST_CASE(a_message_larger_than_the_limit_is_refused_before_anything_is_read) {
  archive_options small;
  small.limit.bytes = 1000;
  const std::string text(2000, 'x');
  CHECK_THROWS_SAYING(limit_exceeded, "more than limits::bytes, which is 1000", dumps(text, small));
  CHECK_THROWS_SAYING(limit_exceeded, "more than limits::bytes, which is 1000",
                      loads<std::string>(dumps(text), small));
  const std::vector<std::string> words(100, "some words");
  CHECK_THROWS_SAYING(limit_exceeded, "more than limits::bytes", dumps(words, small));
}

BOOST_AUTO_TEST_CASE(sizes_may_be_written_longer_than_need_be_but_not_longer_than_64_bits) {
  BOOST_TEST(loads<std::string>(with_body(std::string(), {0x81, 0x80, 0x00, 'x'})) == "x");
  CHECK_THROWS_SAYING(archive_error, "a size does not fit into 64 bits",
                      loads<std::string>(with_body(
                          std::string(), {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02})));
  CHECK_THROWS_SAYING(archive_error, "a size does not fit into 64 bits",
                      loads<std::string>(with_body(std::string(), {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                                                   0x80, 0x80, 0x80, 0x01})));
  CHECK_THROWS_SAYING(archive_error, "does not fit",
                      loads<std::string>(with_body(
                          std::string(), {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})));
}

BOOST_AUTO_TEST_CASE(a_name_that_was_not_written_is_refused) {
  using pet = std::unique_ptr<all::animal>;
  const auto options = all::options();
  CHECK_THROWS_SAYING(archive_error, "name 3 is used before it is written",
                      loads<pet>(with_body(pet(), {1, 5}), options));
  CHECK_THROWS_SAYING(name_error, "knows ''", loads<pet>(with_body(pet(), {1, 1, 0}), options));
}

BOOST_AUTO_TEST_CASE(depth_is_bounded_however_it_is_made) {
  const auto bomb = [](const auto& value, std::initializer_list<int> level) {
    std::vector<std::byte> bytes = bytes_of(value);
    bytes.resize(body_of(bytes));
    const std::size_t body = bytes.size();
    for (int i = 0; i != 200'000; ++i) {
      for (const int byte : level) bytes.push_back(static_cast<std::byte>(byte));
    }
    const std::uint64_t size = bytes.size() - body;
    std::memcpy(bytes.data() + 16, &size, sizeof size);
    CHECK_THROWS_SAYING(limit_exceeded, "deeper than limits::depth, which is 400",
                        loads<std::remove_cvref_t<decltype(value)>>(bytes));
  };
  bomb(std::unique_ptr<list>(), {1});
  bomb(leaf_chain(), {1});
  bomb(by_optional(), {1, 0, 0, 0, 0});
  bomb(recursive_class(), {1});
  bomb(deep_only_on_the_stack(), {1});
}

BOOST_AUTO_TEST_CASE(values_that_may_be_written_at_the_very_limits_may_be_read_there) {
  archive_options flat;
  flat.limit.depth = 0;
  flat.limit.objects = 0;
  const auto crosses_flat = [&](const auto& value) {
    return loads<std::remove_cvref_t<decltype(value)>>(dumps(value, flat), flat) == value;
  };
  BOOST_CHECK(crosses_flat(std::vector<int>{1, 2, 3}));
  BOOST_CHECK(crosses_flat(std::vector<bool>{true, false, true}));
  BOOST_CHECK(crosses_flat(std::string("text")));
  const std::vector<std::string> words{"one"};
  CHECK_THROWS_SAYING(limit_exceeded, "limits::depth, which is 0", dumps(words, flat));
  CHECK_THROWS_SAYING(limit_exceeded, "limits::depth, which is 0",
                      loads<std::vector<std::string>>(dumps(words), flat));
}

// Two threads by design use the same memory without a lock, so there is nothing here for TSan.
#if !defined(__SANITIZE_THREAD__)
BOOST_AUTO_TEST_CASE(bytes_that_change_while_they_are_read_do_no_more_than_an_error) {
  const auto options = all::options(true);
  const auto valid = bytes_of(all::full_value(), options);
  void* const place =
      ::mmap(nullptr, valid.size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  BOOST_REQUIRE(place != MAP_FAILED);
  auto* const shared = static_cast<volatile unsigned char*>(place);
  const auto restore = [&] {
    for (std::size_t i = 0; i != valid.size(); ++i) shared[i] = std::to_integer<unsigned char>(valid[i]);
  };
  restore();
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    std::mt19937 random(2);
    while (!stop) {
      const std::size_t i = random() % valid.size();
      for (int n = 0; n != 200; ++n) shared[i] = static_cast<unsigned char>(n % 2 == 0 ? random() : 0xff);
      shared[i] = std::to_integer<unsigned char>(valid[i]);
    }
  });
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(place), valid.size());
  // Some rounds read a value and some an error; none may do anything else.
  for (int round = 0; round != 4000; ++round) static_cast<void>(survives(bytes, options));
  stop = true;
  writer.join();
  restore();
  BOOST_TEST(survives(bytes, options));
  ::munmap(place, valid.size());
}
#endif

BOOST_AUTO_TEST_SUITE_END()

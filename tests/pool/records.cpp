// SPDX-License-Identifier: BSL-1.0
// The records that pools send: their handles, and what becomes of them when there is no memory.
#include <ferry/connection.hpp>
#include <ferry/detail/pool/pool_record.hpp>
#include <ferry/dispatch_table.hpp>
#include <ferry/error.hpp>
#include <ferry/reducer.hpp>

#include "os/handle.hpp"
#include "support/stuck_socket.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace ferry;
using detail::handle_use;
using detail::item_head;
using detail::item_reader;
using detail::pool_record;
using detail::record_title;

namespace {

struct thing {
  int number = 0;
};

/// A table because of which each item begins with a mask.
const dispatch_table& overriding_table() {
  static const dispatch_table& made = []() -> const dispatch_table& {
    static dispatch_table table("table of overrides");
    table.add<thing>(
        "thing", [](const thing& from) { return std::tuple(from.number); },
        [](int number) { return thing{number}; });
    return table;
  }();
  return made;
}

/// Memory that there is just as much of as is asked for, until it refuses.
class scarce_memory : public buffer::source {
 public:
  scarce_memory() : source(0) {}
  buffer allocate(std::size_t size) override {
    if (refuses) throw std::bad_alloc();
    return {std::make_unique<block>(std::vector<std::byte>(size)), 0};
  }

  bool refuses = false;

 private:
  struct block : buffer::external {
    explicit block(std::vector<std::byte> all) : external(all), bytes(std::move(all)) {}
    std::vector<std::byte> bytes;
  };
};

std::vector<unique_handle> three_objects() {
  std::vector<unique_handle> made;
  for (int i = 0; i < 3; ++i) made.push_back(duplicate(handle_view(pipe().first.native_handle())));
  return made;
}

/// A record of items that hold those of the handles.
pool_record record_of(const std::vector<unique_handle>& all,
                      const std::vector<std::vector<std::size_t>>& items) {
  pool_record record(record_title{.count = static_cast<std::uint32_t>(items.size())});
  for (const auto& item : items) {
    record.append({.mode = transfer::duplicate}, item_head::given, [&](forking_oarchive& archive) {
      for (const std::size_t which : item) archive.write_handle(all[which]);
    });
  }
  return record;
}

/// Whether the next items have those handles, each of its own.
void check_items(pool_record record, const std::vector<unique_handle>& all,
                 const std::vector<std::vector<std::size_t>>& items) {
  item_reader reader(record);
  for (const auto& item : items) {
    std::uint32_t failed = item_head::thrown;
    forking_iarchive found = reader.next({}, failed);
    BOOST_TEST(failed == item_head::given);
    for (const std::size_t which : item) {
      const unique_handle handle = found.read_handle();
      BOOST_TEST(os::same_object(handle, all[which]));
      BOOST_TEST(handle.native() != all[which].native());
    }
    found.finish();
  }
  // What has been used for the last time is nobody's any more.
  for (const unique_handle& each : record.handles()) BOOST_TEST(!each.valid());
}

void read_first(message& record) {
  std::uint32_t failed = item_head::given;
  const forking_iarchive read = item_reader(record).next({}, failed);
}

/// The first item of a record with another use in the place of its first one.
void read_with_use(std::uint32_t use) {
  const std::vector<unique_handle> all = three_objects();
  pool_record record = record_of(all, {{0, 1}});
  std::memcpy(record.storage().data() + record.bytes().size() - 2 * sizeof use, &use, sizeof use);
  read_first(record);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(records)

BOOST_AUTO_TEST_CASE(an_item_that_uses_handles_which_its_record_does_not_have_is_refused) {
  BOOST_CHECK_THROW(read_with_use(2), archive_error);
  BOOST_CHECK_THROW(read_with_use(2 | handle_use::last), archive_error);
  BOOST_CHECK_THROW(read_with_use(~handle_use::last), archive_error);
  // The second one has taken it.
  BOOST_CHECK_THROW(read_with_use(1 | handle_use::last), archive_error);

  pool_record more = record_of(three_objects(), {{0, 1}});
  more.handles().pop_back();
  BOOST_CHECK_THROW(read_first(more), archive_error);
  pool_record shorter = record_of(three_objects(), {{0, 1}});
  shorter.storage().truncate(shorter.bytes().size() - 1);
  BOOST_CHECK_THROW(read_first(shorter), archive_error);
}

BOOST_AUTO_TEST_CASE(a_socket_in_an_item_that_is_refused_lingers_no_more) {
  const ferry::test::stuck_socket stuck;
  detail::received_record record;
  static_cast<message&>(record) = record_of(three_objects(), {{0, 1}});
  record.handles()[0] = duplicate(stuck.full);
  record.handles()[1].reset();
  BOOST_REQUIRE(ferry::test::is_to_linger(stuck.full));
  BOOST_CHECK_THROW(read_first(record), archive_error);
  BOOST_TEST(!ferry::test::is_to_linger(stuck.full));
}

BOOST_AUTO_TEST_CASE(a_socket_that_nobody_takes_out_of_an_answer_lingers_no_more) {
  const ferry::test::stuck_socket stuck;
  {
    detail::received_record record;
    record.handles().push_back(duplicate(stuck.full));
    detail::received_record moved(std::move(record));
    record = std::move(moved);
    BOOST_TEST(ferry::test::is_to_linger(stuck.full));
  }
  BOOST_TEST(!ferry::test::is_to_linger(stuck.full));
}

BOOST_AUTO_TEST_CASE(items_with_handles_of_the_same_object_share_one_in_the_record) {
  const std::vector<unique_handle> all = three_objects();
  const std::vector<std::vector<std::size_t>> items{{0}, {0, 1}, {}, {1}, {2, 0}, {0}};
  pool_record record = record_of(all, items);
  BOOST_TEST(record.handles().size() == 3U);
  check_items(std::move(record), all, items);
}

BOOST_AUTO_TEST_CASE(another_object_under_a_number_that_was_used_before_is_sent_too) {
  const std::vector<unique_handle> all = three_objects();
  pool_record record(record_title{.count = 2});
  int number = -1;
  for (std::size_t i = 0; i < 2; ++i) {
    const unique_handle held = duplicate(all[i]);
    if (i != 0) BOOST_REQUIRE_EQUAL(held.native(), number);
    number = held.native();
    record.append({.mode = transfer::duplicate}, item_head::given,
                  [&](forking_oarchive& archive) { archive.write_handle(held); });
  }
  check_items(std::move(record), all, {{0}, {1}});
}

BOOST_AUTO_TEST_CASE(equal_handles_within_an_item_stay_as_many_as_they_were) {
  std::vector<unique_handle> all = three_objects();
  all[2] = duplicate(all[0]);
  const std::vector<std::vector<std::size_t>> items{{0, 2}, {0, 2, 1}};
  pool_record record = record_of(all, items);
  BOOST_TEST(record.handles().size() == 3U);
  check_items(std::move(record), all, items);
}

BOOST_AUTO_TEST_CASE(the_rest_of_a_record_has_the_handles_that_it_uses) {
  const std::vector<unique_handle> all = three_objects();
  const std::vector<std::vector<std::size_t>> items{{0}, {0, 1}, {2}, {1, 2}, {1}};
  for (std::uint32_t first = 0; first <= items.size(); ++first) {
    pool_record record = record_of(all, items);
    pool_record rest = record.split_off(first);
    const std::vector<std::vector<std::size_t>> left(items.begin() + first, items.end());
    BOOST_TEST(record.handles().size() + rest.handles().size() == 3U);
    // What comes behind can share with it.
    rest.append({.mode = transfer::duplicate}, item_head::given,
                [&](forking_oarchive& archive) { archive.write_handle(all[1]); });
    BOOST_TEST(record.handles().size() + rest.handles().size() == (first < items.size() ? 3U : 4U));
    auto expected = left;
    expected.push_back({1});
    check_items(std::move(rest), all, expected);
  }
}

BOOST_AUTO_TEST_CASE(a_record_without_memory_for_one_more_item_is_as_before) {
  const archive_options packing{.table = &overriding_table()};
  for (std::size_t length = 0; length < 40; ++length) {
    scarce_memory memory;
    pool_record record;
    record.storage() = buffer(&memory);
    record_title title;
    title.id = 7;
    record.storage().append(title);
    const std::string text(length, 'x');
    const auto append = [&] {
      record.append(packing, false, [&](forking_oarchive& archive) { archive << text; });
    };
    std::size_t refused = 0;
    for (int items = 0; items < 50; ++items) {
      const std::size_t size = record.bytes().size();
      memory.refuses = true;
      try {
        append();
        continue;
      } catch (const std::bad_alloc&) {
        ++refused;
      }
      memory.refuses = false;
      BOOST_REQUIRE_EQUAL(record.bytes().size(), size);
      BOOST_REQUIRE_EQUAL(record.title().id, 7U);
      append();
      BOOST_TEST(record.bytes().size() > size);
    }
    BOOST_TEST(refused > 0U);
  }
}

BOOST_AUTO_TEST_SUITE_END()

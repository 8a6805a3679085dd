// The records that pools send, when there is no memory for them.
#include <ferry/detail/pool_record.hpp>
#include <ferry/dispatch_table.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <tuple>
#include <vector>

using namespace ferry;
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
  std::unique_ptr<buffer::external> allocate(std::size_t size) override {
    if (refuses) throw std::bad_alloc();
    return std::make_unique<block>(std::vector<std::byte>(size));
  }

  bool refuses = false;

 private:
  struct block : buffer::external {
    explicit block(std::vector<std::byte> all) : external(all), bytes(std::move(all)) {}
    std::vector<std::byte> bytes;
  };
};

}  // namespace

BOOST_AUTO_TEST_SUITE(records)

BOOST_AUTO_TEST_CASE(a_record_without_memory_for_one_more_item_is_as_before) {
  const archive_options packing{.table = &overriding_table()};
  for (std::size_t length = 0; length < 40; ++length) {
    scarce_memory memory;
    pool_record record;
    record.bytes = buffer(&memory);
    record_title title;
    title.id = 7;
    record.bytes.append(title);
    const std::string text(length, 'x');
    const auto append = [&] {
      record.append(packing, false, [&](forking_oarchive& archive) { archive << text; });
    };
    std::size_t refused = 0;
    for (int items = 0; items < 50; ++items) {
      const std::size_t size = record.bytes.size();
      memory.refuses = true;
      try {
        append();
        continue;
      } catch (const std::bad_alloc&) {
        ++refused;
      }
      memory.refuses = false;
      BOOST_REQUIRE_EQUAL(record.bytes.size(), size);
      BOOST_REQUIRE_EQUAL(record.title().id, 7U);
      append();
      BOOST_TEST(record.bytes.size() > size);
    }
    BOOST_TEST(refused > 0U);
  }
}

BOOST_AUTO_TEST_SUITE_END()

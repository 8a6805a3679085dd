// How fast values become messages and back: beside hand-written code, Boost's binary archive and cereal.
#include <ferry/archive.hpp>

#include "support/report.hpp"

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/is_bitwise_serializable.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <cereal/archives/binary.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <random>
#include <span>
#include <sstream>
#include <stdexcept>

namespace {

// --- the monsters model, with the serialize functions that Boost, cereal and Ferry share ----------------

enum class colour : std::uint8_t { red, green, blue };

struct vec3 {
  float x, y, z;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& x& y& z;
  }
  bool operator==(const vec3&) const = default;
};

/// Told to all that its bytes are all there is to it, as the code by hand knows of both.
struct bitwise_vec3 : vec3 {};

}  // namespace

BOOST_IS_BITWISE_SERIALIZABLE(bitwise_vec3)

namespace {

struct weapon {
  std::string name;
  std::int16_t damage = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& name& damage;
  }
  bool operator==(const weapon&) const = default;
};

template <class Point>
struct monster {
  std::string name;
  Point position{};
  std::int16_t mana = 0, hp = 0;
  colour hue = colour::red;
  std::vector<std::uint8_t> inventory;
  std::vector<weapon> weapons;
  weapon equipped;
  std::vector<Point> path;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& name& position& mana& hp& hue& inventory& weapons& equipped& path;
  }
  bool operator==(const monster&) const = default;
};

template <class Point>
std::vector<monster<Point>> make_monsters(std::size_t count) {
  std::mt19937 random(42);
  const auto up_to = [&](unsigned limit) { return static_cast<unsigned>(random() % (limit + 1)); };
  const auto text = [&] {
    std::string result(4 + up_to(16), ' ');
    for (char& c : result) c = static_cast<char>('a' + up_to(25));
    return result;
  };
  const auto point = [&] { return Point{float(up_to(1000)), float(up_to(1000)), float(up_to(1000))}; };
  const auto arm = [&] { return weapon{text(), static_cast<std::int16_t>(up_to(500))}; };
  std::vector<monster<Point>> monsters(count);
  for (monster<Point>& m : monsters) {
    m.name = text();
    m.position = point();
    m.mana = static_cast<std::int16_t>(up_to(500));
    m.hp = static_cast<std::int16_t>(up_to(1000));
    m.hue = static_cast<colour>(up_to(2));
    m.inventory.resize(up_to(40));
    for (std::uint8_t& item : m.inventory) item = static_cast<std::uint8_t>(up_to(255));
    m.weapons.resize(up_to(4));
    for (weapon& w : m.weapons) w = arm();
    m.equipped = arm();
    m.path.resize(up_to(12));
    for (Point& p : m.path) p = point();
  }
  return monsters;
}

// --- by hand: what one would write for this model alone, with every bound checked -----------------------

class hand_writer {
 public:
  char* room(std::size_t count) {
    if (count > capacity_ - size_) grow(count);
    char* const place = data_.get() + size_;
    size_ += count;
    return place;
  }
  template <class T>
  void number(const T& value) {
    std::memcpy(room(sizeof value), &value, sizeof value);
  }
  template <class Sequence>
  void block(const Sequence& sequence) {
    number(static_cast<std::uint32_t>(sequence.size()));
    const std::size_t size = sequence.size() * sizeof(*sequence.data());
    if (size != 0) std::memcpy(room(size), sequence.data(), size);
  }
  void write(const weapon& w) {
    block(w.name);
    number(w.damage);
  }
  template <class Point>
  void write(const monster<Point>& m) {
    block(m.name);
    number(m.position);
    number(m.mana);
    number(m.hp);
    number(m.hue);
    block(m.inventory);
    number(static_cast<std::uint32_t>(m.weapons.size()));
    for (const weapon& w : m.weapons) write(w);
    write(m.equipped);
    block(m.path);
  }
  std::span<const char> written() const { return {data_.get(), size_}; }

 private:
  struct freer {
    void operator()(char* block) const { std::free(block); }
  };
  void grow(std::size_t more) {
    capacity_ = std::max({size_ + more, capacity_ + capacity_ / 2, std::size_t{256}});
    char* const moved = static_cast<char*>(std::realloc(data_.release(), capacity_));
    if (moved == nullptr) throw std::bad_alloc();
    data_.reset(moved);
  }
  std::unique_ptr<char, freer> data_;
  std::size_t size_ = 0, capacity_ = 0;
};

class hand_reader {
 public:
  explicit hand_reader(std::span<const char> from) : left_(from) {}
  const char* take(std::size_t count) {
    if (count > left_.size()) throw std::runtime_error("truncated");
    const char* const from = left_.data();
    left_ = left_.subspan(count);
    return from;
  }
  template <class T>
  void number(T& value) {
    std::memcpy(&value, take(sizeof value), sizeof value);
  }
  std::uint32_t count(std::size_t size) {
    std::uint32_t result = 0;
    number(result);
    if (result > left_.size() / size) throw std::runtime_error("truncated");
    return result;
  }
  template <class T>
  void block(std::vector<T>& sequence) {
    sequence.resize(count(sizeof(T)));
    if (!sequence.empty())
      std::memcpy(sequence.data(), take(sequence.size() * sizeof(T)), sequence.size() * sizeof(T));
  }
  void text(std::string& result) {
    const std::uint32_t size = count(1);
    result.assign(take(size), size);
  }
  void read(weapon& w) {
    text(w.name);
    number(w.damage);
  }
  template <class Point>
  void read(monster<Point>& m) {
    text(m.name);
    number(m.position);
    number(m.mana);
    number(m.hp);
    number(m.hue);
    block(m.inventory);
    m.weapons.resize(count(6));
    for (weapon& w : m.weapons) read(w);
    read(m.equipped);
    block(m.path);
  }

 private:
  std::span<const char> left_;
};

// --- the peers ------------------------------------------------------------------------------------------

template <class Monsters>
std::string boost_save(const Monsters& monsters) {
  std::stringbuf bytes;
  {
    boost::archive::binary_oarchive archive(bytes, boost::archive::no_header);
    archive << monsters;
  }
  return std::move(bytes).str();
}
template <class Monsters>
void boost_load(const std::string& bytes, Monsters& monsters) {
  std::stringbuf from(bytes);
  boost::archive::binary_iarchive archive(from, boost::archive::no_header);
  archive >> monsters;
}

template <class Monsters>
std::string cereal_save(const Monsters& monsters) {
  std::ostringstream stream;
  cereal::BinaryOutputArchive archive(stream);
  archive(monsters);
  return std::move(stream).str();
}
template <class Monsters>
void cereal_load(const std::string& bytes, Monsters& monsters) {
  std::istringstream stream(bytes);
  cereal::BinaryInputArchive archive(stream);
  archive(monsters);
}

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

// --- what is measured -----------------------------------------------------------------------------------

/// Medians of several contestants, run in turn so that a change of the machine's speed meets all of them.
template <class... Works>
std::array<double, sizeof...(Works)> side_by_side(int runs, Works... works) {
  std::array<std::vector<double>, sizeof...(Works)> seconds;
  for (int run = 0; run != runs; ++run) {
    std::size_t contestant = 0;
    (seconds[contestant++].push_back(bench::median_seconds(1, works)), ...);
  }
  std::array<double, sizeof...(Works)> medians;
  for (std::size_t i = 0; i != medians.size(); ++i) medians[i] = bench::median(seconds[i]);
  return medians;
}

template <class Point>
void monsters(std::size_t count, const std::string& kind, int runs) {
  using monsters = std::vector<monster<Point>>;
  const monsters horde = make_monsters<Point>(count);
  const std::string label = std::to_string(count) + " monsters, " + kind;

  const ferry::message saved = ferry::dumps(horde);
  hand_writer by_hand;
  by_hand.number(static_cast<std::uint32_t>(horde.size()));
  for (const auto& m : horde) by_hand.write(m);
  const std::string by_boost = boost_save(horde);
  const std::string by_cereal = cereal_save(horde);

  // Each reads into the objects it is given: fresh ones, or the same again.
  const auto load_by_ferry = [&](monsters& into) { ferry::loads_into(into, saved.bytes()); };
  const auto load_by_hand = [&](monsters& into) {
    hand_reader reader(by_hand.written());
    into.resize(reader.count(1));
    for (auto& m : into) reader.read(m);
  };
  const auto load_by_boost = [&](monsters& into) { boost_load(by_boost, into); };
  const auto load_by_cereal = [&](monsters& into) { cereal_load(by_cereal, into); };
  const auto fresh = [](const auto& load) {
    return [&load] {
      monsters into;
      load(into);
      return into;
    };
  };
  for (const monsters& loaded :
       {fresh(load_by_ferry)(), fresh(load_by_hand)(), fresh(load_by_boost)(), fresh(load_by_cereal)()}) {
    require(loaded == horde, "what was loaded is not what was saved");
  }

  const double us = 1e6;
  const auto save = side_by_side(
      runs, [&] { const auto message = ferry::dumps(horde); },
      [&] {
        hand_writer writer;
        writer.number(static_cast<std::uint32_t>(horde.size()));
        for (const auto& m : horde) writer.write(m);
      },
      [&] { boost_save(horde); }, [&] { cereal_save(horde); });
  bench::row("archive", label + "save", "µs", save[0] * us, "by hand", save[1] * us);
  bench::row("archive", label + "save", "µs", save[0] * us, "boost::archive::binary", save[2] * us);
  bench::row("archive", label + "save", "µs", save[0] * us, "cereal", save[3] * us);

  const auto report_load = [&](const std::string& what, const std::array<double, 4>& load) {
    bench::row("archive", label + what, "µs", load[0] * us, "by hand", load[1] * us);
    bench::row("archive", label + what, "µs", load[0] * us, "boost::archive::binary", load[2] * us);
    bench::row("archive", label + what, "µs", load[0] * us, "cereal", load[3] * us);
  };
  report_load("load into fresh objects", side_by_side(runs, fresh(load_by_ferry), fresh(load_by_hand),
                                                      fresh(load_by_boost), fresh(load_by_cereal)));
  // All into the same objects: where these lie in memory would make more difference than the code.
  monsters kept = horde;
  report_load("load", side_by_side(
                          runs, [&] { load_by_ferry(kept); }, [&] { load_by_hand(kept); },
                          [&] { load_by_boost(kept); }, [&] { load_by_cereal(kept); }));

  const auto bytes = static_cast<double>(saved.bytes().size());
  bench::row("archive", label + "on the wire", "bytes", bytes, "by hand",
             static_cast<double>(by_hand.written().size()));
  bench::row("archive", label + "on the wire", "bytes", bytes, "boost::archive::binary",
             static_cast<double>(by_boost.size()));
  bench::row("archive", label + "on the wire", "bytes", bytes, "cereal",
             static_cast<double>(by_cereal.size()));
}

void large_vector(int runs) {
  const std::vector<double> numbers(std::size_t{64} << 17U, 1.5);  // 64 MiB
  const std::size_t size = numbers.size() * sizeof(double);
  const ferry::message saved = ferry::dumps(numbers);
  const auto copy = [&] {
    const std::unique_ptr<char[]> fresh(new char[size]);
    std::memcpy(fresh.get(), numbers.data(), size);
    asm volatile("" : : "r"(fresh.get()) : "memory");
  };
  const auto times = side_by_side(
      runs, [&] { const auto message = ferry::dumps(numbers); },
      [&] { ferry::loads<std::vector<double>>(saved.bytes()); }, copy);
  const auto rate = [&](double seconds) { return static_cast<double>(size) / seconds / 1e9; };
  bench::row("archive", "vector<double> of 64 MiB, save", "GB/s", rate(times[0]), "memcpy into fresh memory",
             rate(times[2]));
  bench::row("archive", "vector<double> of 64 MiB, load", "GB/s", rate(times[1]), "memcpy into fresh memory",
             rate(times[2]));
}

}  // namespace

int main() {
  // Memory stays with the process between runs, for all alike: giving it back costs more than decoding.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 1 << 26);
  monsters<vec3>(10, "", 2001);
  monsters<vec3>(1000, "", 101);
  monsters<bitwise_vec3>(10, "points told to be bitwise, ", 2001);
  monsters<bitwise_vec3>(1000, "points told to be bitwise, ", 101);
  large_vector(11);
}

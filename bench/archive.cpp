// SPDX-License-Identifier: BSL-1.0
// How fast values become messages and back: beside hand-written code, Boost's binary archive and cereal.
#include <ferry/archive.hpp>

#include "support/contest.hpp"
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

/// Told to Ferry and Boost that its bytes are all there is to it, as the code by hand knows of both.
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
std::vector<monster<Point>> make_monsters(std::size_t count, std::mt19937& random) {
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
    const std::size_t usual = capacity_ < 4096 ? 4 * capacity_ : capacity_ + capacity_ / 2;
    capacity_ = std::max({size_ + more, usual, std::size_t{256}});
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
    const std::uint32_t size = count(sizeof(T));
    if constexpr (sizeof(T) == 1) {
      const auto* const from = reinterpret_cast<const T*>(take(size));
      sequence.assign(from, from + size);
    } else {
      sequence.resize(size);
      if (size != 0) std::memcpy(sequence.data(), take(size * sizeof(T)), size * sizeof(T));
    }
  }
  void text(std::string& result) {
    const std::uint32_t size = count(1);
    result.clear();
    result.append(take(size), size);
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

// --- the participants --------------------------------------------------------------------------------------

// Not expanded into the loops that measure them: there, a change elsewhere could alter how they are compiled.

struct by_ferry {
  template <class Monsters>
  [[gnu::noinline]] static ferry::message save(const Monsters& monsters) {
    return ferry::dumps(monsters);
  }
  template <class Monsters>
  [[gnu::noinline]] static void load(const ferry::message& from, Monsters& into) {
    ferry::loads_into(into, from.bytes());
  }
  static std::size_t size(const ferry::message& saved) { return saved.bytes().size(); }
};

struct by_hand {
  template <class Monsters>
  [[gnu::noinline]] static hand_writer save(const Monsters& monsters) {
    hand_writer writer;
    writer.number(static_cast<std::uint32_t>(monsters.size()));
    for (const auto& m : monsters) writer.write(m);
    return writer;
  }
  template <class Monsters>
  [[gnu::noinline]] static void load(const hand_writer& from, Monsters& into) {
    hand_reader reader(from.written());
    into.resize(reader.count(1));
    for (auto& m : into) reader.read(m);
  }
  static std::size_t size(const hand_writer& saved) { return saved.written().size(); }
};

struct by_boost {
  template <class Monsters>
  [[gnu::noinline]] static std::string save(const Monsters& monsters) {
    std::stringbuf bytes;
    {
      boost::archive::binary_oarchive archive(bytes, boost::archive::no_header);
      archive << monsters;
    }
    return std::move(bytes).str();
  }
  template <class Monsters>
  [[gnu::noinline]] static void load(const std::string& saved, Monsters& into) {
    std::stringbuf from(saved);
    boost::archive::binary_iarchive archive(from, boost::archive::no_header);
    archive >> into;
  }
  static std::size_t size(const std::string& saved) { return saved.size(); }
};

struct by_cereal {
  template <class Monsters>
  [[gnu::noinline]] static std::string save(const Monsters& monsters) {
    std::ostringstream stream;
    cereal::BinaryOutputArchive archive(stream);
    archive(monsters);
    return std::move(stream).str();
  }
  template <class Monsters>
  [[gnu::noinline]] static void load(const std::string& saved, Monsters& into) {
    std::istringstream stream(saved);
    cereal::BinaryInputArchive archive(stream);
    archive(into);
  }
  static std::size_t size(const std::string& saved) { return saved.size(); }
};

/// Has the compiler believe that somebody looks at it.
template <class T>
void used(const T& result) {
  asm volatile("" : : "r"(&result) : "memory");
}

/// One of them with all the messages that it has to write or to read in a run.
template <class Way, class Monsters>
class participant {
 public:
  explicit participant(const std::vector<Monsters>& hordes) : hordes_(hordes) {
    for (const Monsters& horde : hordes) {
      saved_.push_back(Way::save(horde));
      Monsters loaded;
      Way::load(saved_.back(), loaded);
      if (loaded != horde) throw std::runtime_error("what was loaded is not what was saved");
    }
  }
  void save() const {
    for (const Monsters& horde : hordes_) {
      const auto saved = Way::save(horde);
      used(saved);
    }
  }
  void load_fresh() const {
    for (const auto& saved : saved_) {
      Monsters into;
      Way::load(saved, into);
      used(into);
    }
  }
  void load(std::vector<Monsters>& into) const {
    for (std::size_t i = 0; i != saved_.size(); ++i) Way::load(saved_[i], into[i]);
  }
  double bytes() const {
    std::size_t sum = 0;
    for (const auto& saved : saved_) sum += Way::size(saved);
    return static_cast<double>(sum);
  }

 private:
  const std::vector<Monsters>& hordes_;
  std::vector<decltype(Way::save(std::declval<const Monsters&>()))> saved_;
};

// --- what is measured -----------------------------------------------------------------------------------

/// Median seconds of each work, in the order given.
template <class... Works>
std::array<double, sizeof...(Works)> side_by_side(int runs, Works... works) {
  std::vector<bench::contestant> all{bench::contestant{"", works}...};
  bench::measure_in_turn(all, runs);
  std::array<double, sizeof...(Works)> medians;
  for (std::size_t i = 0; i != medians.size(); ++i) medians[i] = all[i].median();
  return medians;
}

/// Of small messages many, each with other monsters: one takes little longer than a look at the clock, and
/// the same one again and again the processor knows by heart.
/// @param messages  how many a run writes or reads
/// @param count  of the monsters in each
template <class Point>
void monsters(std::size_t messages, std::size_t count, const std::string& kind) {
  using monsters = std::vector<monster<Point>>;
  std::mt19937 random(42);
  std::vector<monsters> hordes;
  for (std::size_t i = 0; i != messages; ++i) hordes.push_back(make_monsters<Point>(count, random));

  const participant<by_ferry, monsters> ferry(hordes);
  const participant<by_hand, monsters> hand(hordes);
  const participant<by_boost, monsters> boost(hordes);
  const participant<by_cereal, monsters> cereal(hordes);
  const auto report = [&](const std::string& what, const std::string& unit, double scale,
                          const std::array<double, 4>& found) {
    const std::string label = std::to_string(count) + " monsters, " + kind + what;
    const double each = scale / static_cast<double>(messages);
    for (const auto& [peer, place] : {std::pair("by hand", 1), {"boost::archive::binary", 2}, {"cereal", 3}})
      bench::row("archive", label, unit, found[0] * each, peer, found[std::size_t(place)] * each);
  };
  constexpr int runs = 101;
  report(
      "save", "µs", 1e6,
      side_by_side(
          runs, [&] { ferry.save(); }, [&] { hand.save(); }, [&] { boost.save(); }, [&] { cereal.save(); }));
  report("load into fresh objects", "µs", 1e6,
         side_by_side(
             runs, [&] { ferry.load_fresh(); }, [&] { hand.load_fresh(); }, [&] { boost.load_fresh(); },
             [&] { cereal.load_fresh(); }));
  // All into the same objects: where these lie in memory would make more difference than the code.
  std::vector<monsters> kept = hordes;
  report("load", "µs", 1e6,
         side_by_side(
             runs, [&] { ferry.load(kept); }, [&] { hand.load(kept); }, [&] { boost.load(kept); },
             [&] { cereal.load(kept); }));
  report("on the wire", "bytes", 1, {ferry.bytes(), hand.bytes(), boost.bytes(), cereal.bytes()});
}

void large_vector(int runs) {
  const std::vector<double> numbers(std::size_t{64} << 17U, 1.5);  // 64 MiB
  const std::size_t size = numbers.size() * sizeof(double);
  const ferry::message saved = ferry::dumps(numbers);
  const auto copy = [&] {
    const std::unique_ptr<char[]> fresh(new char[size]);
    std::memcpy(fresh.get(), numbers.data(), size);
    used(*fresh.get());
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
  monsters<vec3>(100, 10, "");
  monsters<vec3>(1, 1000, "");
  monsters<bitwise_vec3>(100, 10, "points told to be bitwise, ");
  monsters<bitwise_vec3>(1, 1000, "points told to be bitwise, ");
  large_vector(31);
}

// SPDX-License-Identifier: BSL-1.0
// Standard types: strings, views and containers.
//
// What a type looks like decides, not which headers are included, so this file pulls in few of them; and only
// types of namespace std are meant: a container of one's own has a `serialize` or a reducer of its own.
#pragma once

#include <ferry/detail/archive/codec.hpp>
#include <ferry/detail/archive/in_passing.hpp>
#include <ferry/detail/base/copy.hpp>

#include <algorithm>
#include <array>
#include <bitset>
#include <string>
#include <utility>
#include <vector>

namespace ferry::detail {

// --- strings and views -----------------------------------------------------------------------------------

template <class Container, class Byte>
[[gnu::noinline]] void assign_in_pieces(Container& into, const Byte* from, std::size_t count) {
  into.clear();
  into.reserve(count);
  for (const Byte* const end = from + count; from != end;) {
    const Byte* const next = from + std::min(static_cast<std::size_t>(end - from), copied_at_once);
    into.insert(into.end(), from, next);
    from = next;
  }
}

/// As `assign`, for the reason that `copy_bytes` has.
template <class Container, class Byte>
void assign_bytes(Container& into, const Byte* from, std::size_t count) {
  if (count > copied_at_once) [[unlikely]] {
    assign_in_pieces(into, from, count);
  } else if constexpr (requires { into.append(from, count); }) {
    into.clear();  // `assign` of a string expects a part of itself, which takes it longer
    into.append(from, count);
  } else {
    into.assign(from, from + count);
  }
}

template <class Char>
struct codec<std::basic_string_view<Char>> {
  static void save(forking_oarchive& archive, std::basic_string_view<Char> text) {
    archive.write_elements<sizeof(Char)>(text.data(), text.size());
  }
};

template <class Char, class Traits, class Allocator>
struct codec<std::basic_string<Char, Traits, Allocator>> {
  using string = std::basic_string<Char, Traits, Allocator>;
  static void save(forking_oarchive& archive, const string& text) {
    codec<std::basic_string_view<Char>>::save(archive, {text.data(), text.size()});
  }
  static void load(forking_iarchive& archive, string& text) {
    const std::span<const std::byte> from = archive.take_elements<sizeof(Char)>();
    if constexpr (sizeof(Char) == 1) {
      assign_bytes(text, reinterpret_cast<const Char*>(from.data()), from.size());
    } else {
      text.resize(from.size() / sizeof(Char));
      copy_bytes(text.data(), from.data(), from.size());
    }
  }
};

template <class T, std::size_t Extent>
struct codec<std::span<T, Extent>> {
  static void save(forking_oarchive& archive, std::span<T, Extent> elements) {
    if (is_block<std::remove_cv_t<T>>(archive))
      return archive.write_elements<sizeof(T)>(elements.data(), elements.size());
    archive.write_size(elements.size());
    const nesting level(archive);
    archive.count_objects(elements.size());
    save_elements(archive, elements.data(), elements.size());
  }
};

// --- sequences -------------------------------------------------------------------------------------------

/// Reads values that lie unaligned in a message: lets `assign` fill fresh memory without writing it twice.
template <class T>
struct unaligned_iterator {
  using iterator_category = std::random_access_iterator_tag;
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using pointer = const T*;
  using reference = T;

  const std::byte* at;

  T operator*() const {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  unaligned_iterator& operator++() {
    at += sizeof(T);
    return *this;
  }
  unaligned_iterator operator++(int) {
    const unaligned_iterator before = *this;
    ++*this;
    return before;
  }
  unaligned_iterator& operator--() {
    at -= sizeof(T);
    return *this;
  }
  unaligned_iterator& operator+=(difference_type steps) {
    at += steps * static_cast<difference_type>(sizeof(T));
    return *this;
  }
  friend difference_type operator-(unaligned_iterator a, unaligned_iterator b) {
    return (a.at - b.at) / static_cast<difference_type>(sizeof(T));
  }
  friend bool operator==(unaligned_iterator a, unaligned_iterator b) = default;
};

template <class T, class Allocator>
struct codec<std::vector<T, Allocator>> {
  using vector = std::vector<T, Allocator>;

  static void save(forking_oarchive& archive, const vector& elements) {
    codec<std::span<const T>>::save(archive, elements);
  }

  static void load(forking_iarchive& archive, vector& elements) {
    if constexpr (is_bitwise<T> && sizeof(T) <= most_on_stack) {
      if (is_block<T>(archive)) {
        const std::span<const std::byte> from = archive.take_elements<sizeof(T)>();
        const std::byte *const first = from.data(), *const last = first + from.size();
        if constexpr (std::is_same_v<T, char> || std::is_same_v<T, unsigned char> ||
                      std::is_same_v<T, std::byte>) {
          assign_bytes(elements, reinterpret_cast<const T*>(first), from.size());
        } else {
          elements.assign(unaligned_iterator<T>{first}, unaligned_iterator<T>{last});
        }
        return;
      }
    } else if constexpr (is_bitwise<T> && std::is_default_constructible_v<T>) {
      if (is_block<T>(archive)) {
        const std::size_t count = archive.read_count<sizeof(T)>();
        elements.resize(count);
        archive.read_block(elements.data(), count * sizeof(T));
        return;
      }
    }
    const nesting level(archive);
    const std::size_t count = archive.read_count();
    archive.count_objects(count);
    if constexpr (loads_in_place<T>) {
      // Into the elements that there are, as far as there are enough: what they own is used again.
      if (elements.size() > count) elements.resize(count);
      std::size_t loaded = 0, size = elements.size();
      for (;;) {
        load_elements(archive, elements.data() + loaded, size - loaded);
        if (size == count) break;
        loaded = size;
        size += archive.reservable(count - size, sizeof(T));
        elements.resize(size);
      }
    } else {
      elements.clear();
      elements.reserve(archive.reservable(count, sizeof(T)));
      for (std::size_t i = 0; i != count; ++i) {
        in_passing<T> element([&]() -> T { return detail::make<T>(archive); });
        elements.push_back(element.take());
      }
    }
  }
};

template <class Allocator>
struct codec<std::vector<bool, Allocator>> {
  using vector = std::vector<bool, Allocator>;
  static void save(forking_oarchive& archive, const vector& bits) {
    archive.write_size(bits.size());
    for (const bool bit : bits) archive.write_raw(bit);
  }
  static void load(forking_iarchive& archive, vector& bits) {
    const std::size_t count = archive.read_count();
    bits.clear();
    bits.reserve(count);
    for (std::size_t i = 0; i != count; ++i) bits.push_back(make<bool>(archive));
  }
};

/// Boost's unordered containers: their own loader makes as many buckets as the message says.
template <class T>
inline constexpr bool is_boost_unordered = spelled_name<T>().substr(0, 18) == "boost::unordered::";

template <class T>
concept std_container = (is_in_std<T> || is_boost_unordered<T>)&&requires(T& container) {
  typename T::value_type;
  container.begin() == container.end();
  container.clear();
  container.max_size();
};

/// Ends the reading where a pointer to a function, or a std::function, is null.
template <class Function>
void check_function(forking_iarchive& archive, const Function& function) {
  if constexpr (std::is_constructible_v<bool, const Function&>) {
    if (!static_cast<bool>(function))
      archive.fail(
          "the container to read into has a null function to compare or hash with: give it one first");
  }
}

/// deque, list, forward_list, and all sets and maps.
template <std_container T>
struct codec<T> {
  static constexpr bool is_associative = requires { typename T::key_type; };
  static constexpr bool is_map = requires { typename T::mapped_type; };

  static void save(forking_oarchive& archive, const T& container) {
    const nesting level(archive);
    const auto count = static_cast<std::size_t>(std::distance(container.begin(), container.end()));
    archive.write_size(count);
    archive.count_objects(count);
    for (const auto& element : container) {
      if constexpr (is_map) {
        detail::save(archive, element.first);
        detail::save(archive, element.second);
      } else {
        detail::save(archive, element);
      }
    }
  }

  static void load(forking_iarchive& archive, T& container) {
    const nesting level(archive);
    const std::size_t count = archive.read_count();
    archive.count_objects(count);
    check_functions(archive, container);
    container.clear();
    if constexpr (requires { container.before_begin(); }) {
      auto last = container.before_begin();
      for (std::size_t i = 0; i != count; ++i) {
        if constexpr (loads_in_place<element>) {
          last = container.emplace_after(last);
          load_part(archive, *last);
        } else {
          in_passing<element> made([&]() -> element { return detail::make<element>(archive); });
          last = container.emplace_after(last, made.take());
        }
      }
    } else {
      for (std::size_t i = 0; i != count; ++i) add_next(archive, container);
    }
  }

 private:
  using element = typename T::value_type;

  /// Reads the next element to the end of the container, into the place where it stays if it can be.
  static void add_next(forking_iarchive& archive, T& container) {
    if constexpr (is_map) {
      using key_type = typename T::key_type;
      using mapped_type = typename T::mapped_type;
      in_passing<key_type> key([&]() -> key_type { return detail::make<key_type>(archive); });
      if constexpr (loads_in_place<mapped_type>) {
        const auto added = container.emplace_hint(container.end(), std::piecewise_construct,
                                                  std::forward_as_tuple(key.take()), std::tuple<>());
        load_part(archive, added->second);
      } else {
        in_passing<mapped_type> mapped([&]() -> mapped_type { return detail::make<mapped_type>(archive); });
        container.emplace_hint(container.end(), key.take(), mapped.take());
      }
    } else if constexpr (!is_associative && loads_in_place<element> && requires { container.resize(0); }) {
      load_part(archive, container.emplace_back());
    } else {
      in_passing<element> made([&]() -> element { return detail::make<element>(archive); });
      if constexpr (is_associative) {
        container.emplace_hint(container.end(), made.take());
      } else {
        container.push_back(made.take());
      }
    }
  }

  /// A container to read into has its own functions, or none: one that a class was to make, say.
  static void check_functions(forking_iarchive& archive, const T& container) {
    if constexpr (needs_own_functions<T>) {
      if constexpr (requires { container.key_comp(); }) {
        check_function(archive, container.key_comp());
      } else {
        check_function(archive, container.hash_function());
        check_function(archive, container.key_eq());
      }
    }
  }
};

/// stack, queue and priority_queue: the container under them.
template <class T>
concept std_adaptor = is_in_std<T> && !std_container<T> && requires(T & adaptor) {
  typename T::container_type;
  adaptor.pop();
};
template <std_adaptor T>
struct codec<T> {
  struct opened : T {
    using T::c;
    static const auto& order_of(const T& adaptor) { return adaptor.*&opened::comp; }
  };
  static void save(forking_oarchive& archive, const T& adaptor) {
    detail::save(archive, adaptor.*&opened::c);
  }
  static void load(forking_iarchive& archive, T& adaptor) {
    auto& elements = adaptor.*&opened::c;
    if constexpr (requires { typename T::value_compare; }) {
      check_function(archive, opened::order_of(adaptor));
      detail::load(archive, elements);
      // It relies on an order that the bytes need not have. To make it takes an element on the stack.
      if constexpr (sizeof(typename T::value_type) <= most_on_stack) {
        std::make_heap(elements.begin(), elements.end(), opened::order_of(adaptor));
      } else if (!std::is_heap(elements.begin(), elements.end(), opened::order_of(adaptor))) {
        archive.fail("the elements of a priority_queue are not in the order of one");
      }
    } else {
      detail::load(archive, elements);
    }
  }
};

template <class T, std::size_t Size>
struct codec<std::array<T, Size>> {
  static void save(forking_oarchive& archive, const std::array<T, Size>& elements) {
    if constexpr (Size == 0) {
      save_empty(archive);
    } else {
      save_elements(archive, elements.data(), Size);
    }
  }
  static void load(forking_iarchive& archive, std::array<T, Size>& elements) {
    if constexpr (Size == 0) {
      skip_empty(archive);
    } else {
      load_elements(archive, elements.data(), Size);
    }
  }
  static std::array<T, Size> make(forking_iarchive& archive) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<T, Size>{((void)I, detail::make<T>(archive))...};
    }
    (std::make_index_sequence<Size>{});
  }
};

template <std::size_t Size>
struct codec<std::bitset<Size>> {
  static constexpr std::size_t bytes = Size == 0 ? 1 : (Size + 7) / 8;

  static void save(forking_oarchive& archive, const std::bitset<Size>& bits) {
    std::array<unsigned char, bytes> packed{};
    for (std::size_t i = 0; i != Size; ++i)
      packed[i / 8] = static_cast<unsigned char>(packed[i / 8] | (unsigned{bits[i]} << (i % 8)));
    archive.write_raw(packed);
  }
  static void load(forking_iarchive& archive, std::bitset<Size>& bits) {
    std::array<unsigned char, bytes> packed{};
    archive.read_raw(packed);
    for (std::size_t i = 0; i != bytes * 8; ++i) {
      const bool bit = ((packed[i / 8] >> (i % 8)) & 1U) != 0;
      if (i < Size) {
        bits[i] = bit;
      } else if (bit) {
        archive.fail("a bitset has bits set past its size of " + std::to_string(Size));
      }
    }
  }
};

}  // namespace ferry::detail

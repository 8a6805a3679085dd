// SPDX-License-Identifier: BSL-1.0
// Standard types that are no containers: pairs, tuples, optional, variant, and the small ones. As in
// codec_containers.hpp, what a type looks like decides.
#pragma once

#include <ferry/detail/archive/codec.hpp>
#include <ferry/detail/archive/codec_containers.hpp>
#include <ferry/detail/archive/in_passing.hpp>

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>

namespace ferry::detail {

// --- several values in one -------------------------------------------------------------------------------

template <class First, class Second>
struct codec<std::pair<First, Second>> {
  using pair = std::pair<First, Second>;
  static void save(forking_oarchive& archive, const pair& value) {
    detail::save(archive, value.first);
    detail::save(archive, value.second);
  }
  static void load(forking_iarchive& archive, pair& value) {
    // The elements of maps have const keys; Boost's loaders read into such pairs.
    load_part(archive, const_cast<std::remove_const_t<First>&>(value.first));
    load_part(archive, value.second);
  }
  static pair make(forking_iarchive& archive) {
    using made = made_values<std::remove_const_t<First>, std::remove_const_t<Second>>;
    return made(archive).pass_to(
        [](auto& first, auto& second) -> pair { return pair(std::move(first), std::move(second)); });
  }
};

template <class... Each>
struct codec<std::tuple<Each...>> {
  using tuple = std::tuple<Each...>;
  static void save(forking_oarchive& archive, const tuple& values) {
    if constexpr (sizeof...(Each) == 0) {
      save_empty(archive);
    } else {
      save_arguments(archive, values);
    }
  }
  static void load(forking_iarchive& archive, tuple& values) {
    if constexpr (sizeof...(Each) == 0) {
      skip_empty(archive);
    } else {
      std::apply([&](auto&... each) { (load_part(archive, each), ...); }, values);
    }
  }
  static tuple make(forking_iarchive& archive) {
    return made_values<std::remove_const_t<Each>...>(archive).pass_to(
        [](auto&... each) -> tuple { return tuple(std::move(each)...); });
  }
};

template <class T>
struct codec<std::optional<T>> {
  static void save(forking_oarchive& archive, const std::optional<T>& value) {
    save_number(archive, value.has_value());
    if (value) {
      const nesting level(archive);
      detail::save(archive, *value);
    }
  }
  static void load(forking_iarchive& archive, std::optional<T>& value) {
    value.reset();
    if (!make<bool>(archive)) return;
    const nesting level(archive);
    if constexpr (loads_in_place<T>) {
      load_part(archive, value.emplace());
    } else {
      using object = std::remove_const_t<T>;
      in_passing<object> made([&]() -> object { return detail::make<object>(archive); });
      value.emplace(made.take());
    }
  }
};

template <>
struct codec<std::monostate> {
  static void save(forking_oarchive& archive, std::monostate) { save_empty(archive); }
  static void load(forking_iarchive& archive, std::monostate&) { skip_empty(archive); }
};

template <class... Alternatives>
struct codec<std::variant<Alternatives...>> {
  using variant = std::variant<Alternatives...>;

  static void save(forking_oarchive& archive, const variant& value) {
    if (value.valueless_by_exception())
      throw archive_error("a std::variant that lost its value to an exception cannot be written");
    archive.write_size(value.index());
    const nesting level(archive);
    std::visit([&](const auto& held) { detail::save(archive, held); }, value);
  }
  static void load(forking_iarchive& archive, variant& value) {
    const std::size_t index = read_index(archive);
    const nesting level(archive);
    load_alternative(archive, value, index, std::index_sequence_for<Alternatives...>{});
  }
  static variant make(forking_iarchive& archive) {
    const std::size_t index = read_index(archive);
    const nesting level(archive);
    return make_alternative(archive, index, std::index_sequence_for<Alternatives...>{});
  }

 private:
  template <std::size_t I>
  using alternative = std::variant_alternative_t<I, variant>;

  static std::size_t read_index(forking_iarchive& archive) {
    const std::uint64_t index = archive.read_size();
    if (index >= sizeof...(Alternatives)) {
      archive.fail("a variant of " + std::to_string(sizeof...(Alternatives)) + " alternatives holds number " +
                   std::to_string(index));
    }
    return static_cast<std::size_t>(index);
  }

  template <std::size_t... I>
  static void load_alternative(forking_iarchive& archive, variant& value, std::size_t index,
                               std::index_sequence<I...>) {
    using loader = void (*)(forking_iarchive&, variant&);
    static constexpr loader loaders[] = {[](forking_iarchive& from, variant& into) {
      if constexpr (loads_in_place<alternative<I>>) {
        load_part(from, into.template emplace<I>());
      } else {
        using object = std::remove_const_t<alternative<I>>;
        in_passing<object> made([&]() -> object { return detail::make<object>(from); });
        into.template emplace<I>(made.take());
      }
    }...};
    loaders[index](archive, value);
  }

  template <std::size_t I>
  static variant make_with(forking_iarchive& archive) {
    variant value(std::in_place_index<I>);
    load_part(archive, *std::get_if<I>(&value));
    return value;
  }
  // Of one that is not made without arguments: its first alternative is not.
  template <std::size_t... I>
  static variant make_alternative(forking_iarchive& archive, std::size_t index, std::index_sequence<I...>) {
    using maker = variant (*)(forking_iarchive&);
    static constexpr maker makers[] = {[](forking_iarchive& from) -> variant {
      if constexpr (loads_in_place<alternative<I>>) {
        return make_with<I>(from);
      } else {
        using object = std::remove_const_t<alternative<I>>;
        in_passing<object> made([&]() -> object { return detail::make<object>(from); });
        return variant(std::in_place_index<I>, made.take());
      }
    }...};
    return makers[index](archive);
  }
};

// --- the small ones --------------------------------------------------------------------------------------

template <class T>
concept std_duration = is_in_std<T> && requires(const T& value) {
  typename T::period;
  T(value.count());
};
template <std_duration T>
struct codec<T> {
  static void save(forking_oarchive& archive, const T& value) { detail::save(archive, value.count()); }
  static void load(forking_iarchive& archive, T& value) { value = T(make<typename T::rep>(archive)); }
};

template <class T>
concept std_time_point = is_in_std<T> && requires(const T& value) {
  typename T::clock;
  T(value.time_since_epoch());
};
template <std_time_point T>
struct codec<T> {
  static void save(forking_oarchive& archive, const T& value) {
    detail::save(archive, value.time_since_epoch());
  }
  static void load(forking_iarchive& archive, T& value) { value = T(make<typename T::duration>(archive)); }
};

template <class T>
concept std_complex = is_in_std<T> && requires(const T& value) {
  typename T::value_type;
  T(value.real(), value.imag());
};
template <std_complex T>
struct codec<T> {
  static void save(forking_oarchive& archive, const T& value) {
    detail::save(archive, value.real());
    detail::save(archive, value.imag());
  }
  static void load(forking_iarchive& archive, T& value) {
    const auto real = make<typename T::value_type>(archive);
    const auto imag = make<typename T::value_type>(archive);
    value = T(real, imag);
  }
};

/// Elements one behind the other, whose number does not change as they come.
template <class T>
concept std_valarray = is_in_std<T> && requires(T& value) {
  typename T::value_type;
  value.sum();
  value.cshift(0);
  value.resize(value.size());
};
template <std_valarray T>
struct codec<T> {
  using element = typename T::value_type;

  static void save(forking_oarchive& archive, const T& values) {
    const element* const first = values.size() == 0 ? nullptr : &values[0];
    codec<std::span<const element>>::save(archive, {first, values.size()});
  }
  static void load(forking_iarchive& archive, T& values) {
    if constexpr (is_bitwise<element>) {
      if (is_block<element>(archive)) {
        const std::size_t count = archive.read_count<sizeof(element)>();
        values.resize(count);
        if (count != 0) archive.read_block(&values[0], count * sizeof(element));
        return;
      }
    }
    // At most as many of them as have come: memory is not asked for on the word of the message.
    struct slot {
      element value;  // a bool by itself, too
    };
    const nesting level(archive);
    const std::size_t count = archive.read_count();
    archive.count_objects(count);
    std::vector<slot> come;
    for (std::size_t i = 0; i != count; ++i) load_part(archive, come.emplace_back().value);
    values.resize(count);
    for (std::size_t i = 0; i != count; ++i) values[i] = std::move(come[i].value);
  }
};

template <class T>
concept std_path = is_in_std<T> && requires(const T& value) {
  typename T::string_type;
  value.native();
  value.lexically_normal();
};
template <std_path T>
struct codec<T> {
  static void save(forking_oarchive& archive, const T& value) { detail::save(archive, value.native()); }
  static void load(forking_iarchive& archive, T& value) { value = make<typename T::string_type>(archive); }
};

}  // namespace ferry::detail

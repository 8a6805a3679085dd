// The members of plain aggregates: how many there are, and all of them by reference.
//
// Boost.PFR binds the members; counting them is done here, because its count takes arrays among the members
// for several members, and says nothing of references. The method is that of Boost.PFR: the most initialisers
// that braces take, each convertible to anything.
#pragma once

#include <boost/pfr/core.hpp>

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace ferry::detail {

#ifdef __clang__
#  pragma clang diagnostic push
#  pragma clang diagnostic ignored "-Wundefined-internal"  // they are never called
#endif
template <class T>
struct any_member {
  template <class X>
  requires(!std::is_same_v<X, T>) operator X() const;  // NOLINT(google-explicit-constructor)
};
/// For a member in braces of its own, which only arrays are to accept: a container would make a list of it.
template <class T>
struct any_element {
  template <class X>
  requires(!std::is_same_v<X, T> && (std::is_trivially_copyable_v<X> || std::is_same_v<X, std::string>))
  operator X() const;  // NOLINT(google-explicit-constructor)
};
template <class T>
struct any_base {
  template <class X>
  requires(!std::is_same_v<X, T> && std::is_base_of_v<X, T>) operator X()
      const;  // NOLINT(google-explicit-constructor)
};
#ifdef __clang__
#  pragma clang diagnostic pop
#endif

template <template <class> class Any, class T, std::size_t>
using initialiser = Any<T>;

/// T is initialised by `Count` initialisers of the kind.
template <template <class> class Any, class T, std::size_t Count>
inline constexpr bool takes = []<std::size_t... I>(std::index_sequence<I...>) {
  return requires {
    T{initialiser<Any, T, I>{}...};
  };
}
(std::make_index_sequence<Count>{});

/// T is initialised by `Before` initialisers, one in braces, and `After` further ones.
template <class T, std::size_t Before, std::size_t After>
inline constexpr bool takes_braces = []<std::size_t... I, std::size_t... J>(std::index_sequence<I...>,
                                                                            std::index_sequence<J...>) {
  return requires {
    T{initialiser<any_member, T, I>{}..., {any_element<T>{}}, initialiser<any_member, T, J>{}...};
  };
}
(std::make_index_sequence<Before>{}, std::make_index_sequence<After>{});

inline constexpr std::size_t no_count = static_cast<std::size_t>(-1);

template <class T, std::size_t From = 0>
consteval std::size_t fewest_initialisers() {
  constexpr std::size_t most_members = 100;  // as many as Boost.PFR binds
  if constexpr (takes<any_member, T, From>) {
    return From;
  } else if constexpr (From == most_members) {
    return no_count;
  } else {
    return fewest_initialisers<T, From + 1>();
  }
}
template <class T, std::size_t Taken, std::size_t Refused>
consteval std::size_t initialisers_between() {
  if constexpr (Refused - Taken == 1) {
    return Taken;
  } else {
    constexpr std::size_t middle = Taken + (Refused - Taken) / 2;
    if constexpr (takes<any_member, T, middle>) {
      return initialisers_between<T, middle, Refused>();
    } else {
      return initialisers_between<T, Taken, middle>();
    }
  }
}
template <class T, std::size_t Taken, std::size_t Step = 1>
consteval std::size_t most_initialisers_from() {
  if constexpr (takes<any_member, T, Taken + Step>) {
    return most_initialisers_from<T, Taken + Step, Step * 2>();
  } else {
    return initialisers_between<T, Taken, Taken + Step>();
  }
}
template <class T>
consteval std::size_t find_initialiser_count() {
  constexpr std::size_t fewest = fewest_initialisers<T>();
  if constexpr (fewest == no_count) {
    return no_count;
  } else {
    return most_initialisers_from<T, fewest>();
  }
}
/// How many initialisers T takes, each element of a member that is an array counted; `no_count` if members
/// are references.
template <class T>
inline constexpr std::size_t initialiser_count = find_initialiser_count<T>();

template <class T, std::size_t At, std::size_t Refused, std::size_t Taken>
consteval std::size_t width_between() {
  if constexpr (Taken - Refused == 1) {
    return Taken;
  } else {
    constexpr std::size_t middle = Refused + (Taken - Refused) / 2;
    if constexpr (takes_braces<T, At, initialiser_count<T> - At - middle>) {
      return width_between<T, At, Refused, middle>();
    } else {
      return width_between<T, At, middle, Taken>();
    }
  }
}
/// How many initialisers the member takes that begins with number `At`: the fewest whose place one in braces
/// can take. Members that need an initialiser may follow, so short arrays are tried one by one.
template <class T, std::size_t At, std::size_t Width = 1>
consteval std::size_t member_width() {
  constexpr std::size_t left = initialiser_count<T> - At;
  if constexpr (takes_braces<T, At, left - Width>) {
    return Width;
  } else if constexpr (Width == left) {
    return 1;
  } else if constexpr (Width < 32) {
    return member_width<T, At, Width + 1>();
  } else if constexpr (takes_braces<T, At, 0>) {
    return width_between<T, At, Width, left>();
  } else {
    return 1;
  }
}
template <class T, std::size_t At = 0>
consteval std::size_t members_from() {
  if constexpr (At >= initialiser_count<T>) {
    return 0;
  } else {
    return 1 + members_from<T, At + member_width<T, At>()>();
  }
}
/// What is taken in the place of a base only by a member that takes anything, such as a std::any.
struct no_base {};
/// T is initialised by a `First` and by `Others` members.
template <class T, class First, std::size_t Others>
inline constexpr bool begins_with = []<std::size_t... I>(std::index_sequence<I...>) {
  return requires {
    T{First{}, initialiser<any_member, T, I>{}...};
  };
}
(std::make_index_sequence<Others>{});

template <class T, std::size_t Others = 0>
consteval bool find_base() {
  if constexpr (Others > 100 || initialiser_count<T> == no_count) {
    return false;
  } else if constexpr (begins_with<T, any_base<T>, Others> && !begins_with<T, no_base, Others>) {
    return true;
  } else if constexpr (Others >= initialiser_count<T>) {
    return false;
  } else {
    return find_base<T, Others + 1>();
  }
}

/// True if an aggregate has a base class.
template <class T>
inline constexpr bool has_base = find_base<T>();
template <class T>
inline constexpr std::size_t member_count = members_from<T>();

/// The members of `aggregate`, each as a reference.
template <class T>
constexpr auto tie_members(T& aggregate) noexcept {
  return boost::pfr::detail::tie_as_tuple(
      aggregate, boost::pfr::detail::size_t_<member_count<std::remove_const_t<T>>>{});
}
/// Calls `function(member)` for each.
template <class T, class Function>
constexpr void for_each_member(T& aggregate, Function&& function) {
  [&]<std::size_t... I>(auto members, std::index_sequence<I...>) {
    (function(boost::pfr::detail::sequence_tuple::get<I>(members)), ...);
  }
  (tie_members(aggregate), std::make_index_sequence<member_count<std::remove_const_t<T>>>{});
}
template <std::size_t I, class T>
using member_type = std::remove_reference_t<decltype(boost::pfr::detail::sequence_tuple::get<I>(
    std::declval<decltype(tie_members(std::declval<T&>()))&>()))>;

template <class T>
inline constexpr bool has_const_member = []<std::size_t... I>(std::index_sequence<I...>) {
  return (std::is_const_v<member_type<I, T>> || ...);
}
(std::make_index_sequence<member_count<T>>{});

/// A T with members that are references, or const without a value of their own, can be neither assigned nor
/// made without initialisers; references to const look like const members.
template <class T>
consteval bool find_reference_member() {
  if constexpr (initialiser_count<T> == no_count) {
    return true;
  } else if constexpr (std::is_move_assignable_v<T> || std::is_default_constructible_v<T>) {
    return false;
  } else {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return has_const_member<T> ||
             (std::is_move_assignable_v<std::remove_all_extents_t<member_type<I, T>>> && ...);
    }
    (std::make_index_sequence<member_count<T>>{});
  }
}
template <class T>
inline constexpr bool has_reference_member = find_reference_member<T>();

}  // namespace ferry::detail

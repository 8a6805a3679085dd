// SPDX-License-Identifier: BSL-1.0
// The members of plain aggregates: how many there are, and all of them by reference.
//
// Boost.PFR binds the members; counting them is done here, because its count takes arrays among the members
// for several members, and says nothing of references. The method is that of Boost.PFR: the most initialisers
// that braces take, each convertible to anything.
#pragma once

#include <ferry/detail/archive/bindings.hpp>
#include <ferry/reducer.hpp>

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
/// For a member in braces of its own, which only arrays are to accept.
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
/// Converts to nothing: what takes it takes everything, e.g. std::any.
template <class>
struct no_member {};
template <class T>
consteval bool begins_with_union();
template <class T>
consteval bool begins_with_reference();

/// A union by itself, or without a name: no code can tell which of its members is alive.
template <class T>
struct any_union {
  template <class X>
  requires(std::is_union_v<X> && !requires { sizeof(reducer<X>); }) operator X()
      const;  // NOLINT(google-explicit-constructor)
};
/// What has its own first member take an initialiser that it does not take itself.
template <class T>
struct any_with_union {
  template <class X>
  requires(!std::is_same_v<X, T> && begins_with_union<X>()) operator X()
      const;  // NOLINT(google-explicit-constructor)
};
/// A reference is bound to what is const; an object is made from what is not said to be.
template <class T>
struct any_referred {
  template <class X>
  requires(std::is_const_v<X> && !std::is_same_v<std::remove_const_t<X>, T>) operator X&()
      const;  // NOLINT(google-explicit-constructor)
};
template <class T>
struct any_with_reference {
  template <class X>
  requires(!std::is_same_v<X, T> && begins_with_reference<X>()) operator X()
      const;  // NOLINT(google-explicit-constructor)
};
#ifdef __clang__
#  pragma clang diagnostic pop
#endif

template <template <class> class Any, class T, std::size_t>
using initialiser = Any<T>;

/// T is initialised by `Before` initialisers of anything, one of the kind, and `After` further ones.
template <template <class> class Any, class T, std::size_t Before, std::size_t After>
inline constexpr bool takes_at = []<std::size_t... I, std::size_t... J>(std::index_sequence<I...>,
                                                                        std::index_sequence<J...>) {
  return requires {
    T{initialiser<any_member, T, I>{}..., Any<T>{}, initialiser<any_member, T, J>{}...};
  };
}
(std::make_index_sequence<Before>{}, std::make_index_sequence<After>{});

/// T is initialised by `Count` initialisers of the kind.
template <template <class> class Any, class T, std::size_t Count>
inline constexpr bool takes = []<std::size_t... I>(std::index_sequence<I...>) {
  return requires {
    T{initialiser<Any, T, I>{}...};
  };
}
(std::make_index_sequence<Count>{});

/// T is initialised by `Before` initialisers, `In` in braces of their own, and `After` further ones.
template <template <class> class Any, class T, std::size_t Before, std::size_t In, std::size_t After>
inline constexpr bool takes_braces = []<std::size_t... I, std::size_t... J, std::size_t... K>(
    std::index_sequence<I...>, std::index_sequence<J...>, std::index_sequence<K...>) {
  return requires {
    T{initialiser<any_member, T, I>{}..., {initialiser<Any, T, J>{}...}, initialiser<any_member, T, K>{}...};
  };
}
(std::make_index_sequence<Before>{}, std::make_index_sequence<In>{}, std::make_index_sequence<After>{});

inline constexpr std::size_t no_count = static_cast<std::size_t>(-1);

inline constexpr std::size_t most_members = 100;  // as many as Boost.PFR binds
/// Compilers look at each initialiser by itself: more would take them minutes.
inline constexpr std::size_t most_initialisers = 8192;

template <class T, std::size_t From = 0>
consteval std::size_t fewest_initialisers() {
  if constexpr (takes<any_member, T, From>) {
    return From;
  } else if constexpr (From == 2 * most_members) {
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
  if constexpr (Taken > most_initialisers) {
    return Taken;
  } else if constexpr (takes<any_member, T, Taken + Step>) {
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
/// How many initialisers T takes, each element of a member that is an array counted; `no_count` if it takes
/// none, as with members that are references; more than `most_initialisers` without being counted to the end.
template <class T>
inline constexpr std::size_t initialiser_count = find_initialiser_count<T>();

// Braces take the place of as many initialisers as the member has, so as many fewer may follow them; those
// that may, from the fewest to the most, are without a gap.
template <template <class> class Any, class T, std::size_t At, std::size_t In, std::size_t From,
          std::size_t To>
consteval std::size_t fewest_after_braces() {
  if constexpr (From > To) {
    return no_count;
  } else if constexpr (takes_braces<Any, T, At, In, From>) {
    return From;
  } else {
    return fewest_after_braces<Any, T, At, In, From + 1, To>();
  }
}
template <template <class> class Any, class T, std::size_t At, std::size_t In, std::size_t Taken,
          std::size_t Refused>
consteval std::size_t most_after_braces() {
  if constexpr (Refused - Taken == 1) {
    return Taken;
  } else {
    constexpr std::size_t middle = Taken + (Refused - Taken) / 2;
    if constexpr (takes_braces<Any, T, At, In, middle>) {
      return most_after_braces<Any, T, At, In, middle, Refused>();
    } else {
      return most_after_braces<Any, T, At, In, Taken, middle>();
    }
  }
}
/// How many initialisers the member takes that begins with number `At`, as braces with `In` of the kind tell;
/// 0 if it takes no such braces.
template <template <class> class Any, class T, std::size_t At, std::size_t In>
consteval std::size_t width_by_braces() {
  constexpr std::size_t left = initialiser_count<T> - At;
  if constexpr (takes_braces<Any, T, At, In, left - 1>) {
    return 1;  // as of most members
  } else {
    constexpr std::size_t tried = left - 1 < most_members ? left - 1 : most_members;
    constexpr std::size_t fewest = fewest_after_braces<Any, T, At, In, 0, tried>();
    if constexpr (fewest == no_count) {
      return 0;
    } else {
      return left - most_after_braces<Any, T, At, In, fewest, left - 1>();
    }
  }
}
/// The same of an array whose elements need an initialiser each: as many in braces as braces take the place
/// of. The arguments that the constructor of a class takes are in the place of one.
template <class T, std::size_t At, std::size_t Width = 2>
consteval std::size_t width_of_filled() {
  constexpr std::size_t left = initialiser_count<T> - At;
  if constexpr (Width > left || Width > 2 * most_members) {
    return 1;
  } else if constexpr (takes_braces<any_member, T, At, Width, left - Width>) {
    return takes_braces<any_member, T, At, Width, left - Width + 1> ? 1 : Width;
  } else {
    return width_of_filled<T, At, Width + 1>();
  }
}
template <class T, std::size_t At>
consteval std::size_t member_width() {
  if constexpr (At + 1 == initialiser_count<T>) {
    return 1;
  } else if constexpr (constexpr std::size_t by_none = width_by_braces<any_member, T, At, 0>();
                       by_none != 0) {
    return by_none;
  } else if constexpr (constexpr std::size_t by_one = width_by_braces<any_element, T, At, 1>(); by_one != 0) {
    return by_one;
  } else {
    return width_of_filled<T, At>();
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
template <class T, std::size_t Others = 0>
consteval bool find_base() {
  if constexpr (Others > 100 || initialiser_count<T> == no_count) {
    return false;
  } else if constexpr (takes_at<any_base, T, 0, Others>) {
    return !takes_at<no_member, T, 0, Others>;  // a member that is made of anything
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

template <class T>
consteval bool begins_with_union() {
  if constexpr (std::is_class_v<T> && std::is_aggregate_v<T>) {
    return takes_at<any_union, T, 0, 0> && !takes_at<any_with_union, T, 0, 0> &&
           !takes_at<no_member, T, 0, 0>;
  } else {
    return false;
  }
}
template <class T>
consteval bool begins_with_reference() {
  if constexpr (std::is_class_v<T> && std::is_aggregate_v<T>) {
    return takes_at<any_referred, T, 0, 0> && !takes_at<any_with_reference, T, 0, 0>;
  } else {
    return false;
  }
}

/// Whether a member of T takes an initialiser of the kind, and none that `Outer` converts to, which would
/// have its own first member take it.
template <template <class> class Any, template <class> class Outer, class T, std::size_t At = 0>
consteval bool has_member_for() {
  constexpr std::size_t count = initialiser_count<T>;
  if constexpr (At >= count) {
    return false;
  } else if constexpr (takes_at<Any, T, At, count - At - 1> && !takes_at<Outer, T, At, count - At - 1> &&
                       !takes_at<no_member, T, At, count - At - 1>) {
    return true;
  } else {
    return has_member_for<Any, Outer, T, At + member_width<T, At>()>();
  }
}

/// What keeps an aggregate from being taken apart.
enum class reject_reason { none, base, count, reference, union_member, bit_field, volatile_member };

template <class T>
consteval reject_reason find_reject_reason() {
  if constexpr (has_base<T>) {
    return reject_reason::base;
  } else if constexpr (initialiser_count<T> == no_count) {
    return reject_reason::reference;
  } else if constexpr (initialiser_count<T> > most_initialisers || member_count<T> > most_members) {
    return reject_reason::count;
  } else if constexpr (has_member_for<any_union, any_with_union, T>()) {
    return reject_reason::union_member;
  } else if constexpr (has_bit_field<T, member_count<T>>) {
    return reject_reason::bit_field;
  } else if constexpr (has_const_member<T> && has_member_for<any_referred, any_with_reference, T>()) {
    return reject_reason::reference;
  } else {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      if ((std::is_volatile_v<std::remove_all_extents_t<member_type<I, T>>> || ...))
        return reject_reason::volatile_member;
      // What is bound to something that is made for it.
      if (!std::is_move_constructible_v<T> || std::is_move_assignable_v<T> || has_const_member<T>)
        return reject_reason::none;
      return (std::is_move_assignable_v<std::remove_all_extents_t<member_type<I, T>>> && ...)
                 ? reject_reason::reference
                 : reject_reason::none;
    }
    (std::make_index_sequence<member_count<T>>{});
  }
}
template <class T>
inline constexpr reject_reason reject_reason_of = find_reject_reason<T>();

}  // namespace ferry::detail

// SPDX-License-Identifier: BSL-1.0
// Descriptions of the members of types, as text: so that a class that has changed since the message was
// written is found out, and the error names the member. docs/wire-format.md describes the text.
#pragma once

#include <ferry/detail/archive/transferable.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace ferry::detail {

/// What differs between the members in a message and those here, as a sentence; empty if nothing does.
/// What only one side tells of is no difference: a class that has its own `serialize` tells nothing.
/// @param overridden  see `mask_bit`: types whose encoding has nothing to do with their members
/// @param is_cut  `there` is the beginning of a longer text
[[gnu::cold]] std::string difference_of_members(std::string_view there, const type_identity& here,
                                                std::uint64_t overridden = 0, bool is_cut = false);

/// Collects the members of a type and of all that are in it, each once, in the order of their first mention.
class members_writer {
 public:
  /// Tells of T itself: its definition is the one without a name.
  template <class T>
  void tell_first() {
    using type = std::remove_cv_t<T>;
    visit<type>();
    if (known_.empty() || *known_.front().type != typeid(type_tag<type>)) return;
    known_.front().is_top = true;
    top_ = type_name_of<type>();
  }
  /// The same of a list of arguments.
  template <class... Each>
  void tell_list(std::string_view result = {}) {
    begin({}, '(');
    (add_member<Each>(), ...);
    if (!result.empty()) add_member_text("-> " + std::string(result));
    text_ += ')';
    (visit<std::remove_cvref_t<Each>>(), ...);
  }
  template <class T>
  void tell_more_of() {
    visit<std::remove_cvref_t<T>>();
  }
  std::string finish() {
    tell_known();
    return std::move(text_);
  }

 private:
  struct definition {
    const std::type_info* type;  // a type_tag
    void (members_writer::*tell)();
    bool is_top = false;
  };

  template <class T>
  static constexpr bool is_in_ferry = spelled_name<T>().substr(0, 7) == "ferry::";

  /// Notes what is to be told of T, or of what T holds.
  template <class T>
  void visit() {
    if constexpr (std::is_array_v<T>) {
      visit<std::remove_cv_t<std::remove_all_extents_t<T>>>();
    } else if constexpr (std::is_pointer_v<T>) {  // of tracking archives
      visit<std::remove_cv_t<std::remove_pointer_t<T>>>();
    } else if constexpr (std::is_enum_v<T>) {
      note<T>(&members_writer::tell_enumeration<T>);
    } else if constexpr (std::is_class_v<T> && requires { sizeof(T); }) {
      if constexpr (is_in_std<T>) {
        visit_arguments(static_cast<std::type_identity<T>*>(nullptr));
      } else if constexpr (encoding_of<T> == encoding::reduced) {
        // Those of Ferry change with Ferry, and what they hold is an argument of theirs.
        if (is_in_ferry<T> && std::string_view(reducer<T>::name).starts_with("ferry.")) {
          visit_arguments(static_cast<std::type_identity<T>*>(nullptr));
        } else {
          note<T>(&members_writer::tell_reduced<T>);
        }
      } else if constexpr (encoding_of<T> == encoding::aggregate &&
                           own_refusal<T, going::out> == refusal::none) {
        note<T>(&members_writer::tell_aggregate<T>);
      } else if constexpr (encoding_of<T> == encoding::standard) {
        visit_arguments(static_cast<std::type_identity<T>*>(nullptr));
      }
    }
  }

  // Of the very type: a base class, even a private one, would do for a pointer.
  void visit_arguments(void*) {}
  template <template <class...> class Template, class... Arguments>
  void visit_arguments(std::type_identity<Template<Arguments...>>*) {
    (visit_argument<Arguments>(), ...);
  }
  template <class T, std::size_t Size>
  void visit_arguments(std::type_identity<std::array<T, Size>>*) {
    visit<std::remove_cv_t<T>>();
  }
  template <class T, std::size_t Extent>
  void visit_arguments(std::type_identity<std::span<T, Extent>>*) {
    visit<std::remove_cv_t<T>>();
  }
  template <class Argument>
  void visit_argument() {
    if constexpr (!is_policy<Argument>()) visit<std::remove_cvref_t<Argument>>();
  }

  template <class T>
  void note(void (members_writer::*tell)()) {
    for (const definition& each : known_)
      if (*each.type == typeid(type_tag<T>)) return;
    known_.push_back({&typeid(type_tag<T>), tell});
  }
  void tell_known() {
    for (; told_ != known_.size(); ++told_) {
      telling_top_ = known_[told_].is_top;
      (this->*known_[told_].tell)();
    }
  }

  template <class T>
  void tell_enumeration() {
    begin(type_name_of<T>(), ':');
    text_ += type_name_of<std::underlying_type_t<T>>();
  }
  template <class T, std::size_t... I>
  void tell_members(std::index_sequence<I...>) {
    (add_member<member_type<I, T>>(), ...);
    (visit<std::remove_cv_t<member_type<I, T>>>(), ...);
  }
  template <class T>
  void tell_aggregate() {
    begin(type_name_of<T>(), '{');
    tell_members<T>(std::make_index_sequence<member_count<T>>{});
    text_ += '}';
  }
  template <class T>
  void tell_reduced() {
    begin(std::string(std::string_view(reducer<T>::name)), '(');
    add_each(
        static_cast<std::remove_cvref_t<decltype(reducer<T>::reduce(std::declval<const T&>()))>*>(nullptr));
    text_ += ')';
  }
  void add_each(void*) {}
  template <template <class...> class Tuple, class... Each>
  void add_each(Tuple<Each...>*) {
    (add_member<Each>(), ...);
    (visit<std::remove_cvref_t<Each>>(), ...);
  }

  void begin(const std::string& name, char kind);
  template <class T>
  void add_member() {
    add_member_text(type_name_of<std::remove_cvref_t<T>>());
  }
  /// In it, the type that all this is about goes without its name: tables may give it another one.
  void add_member_text(std::string name);

  std::vector<definition> known_;
  std::size_t told_ = 0;
  bool telling_top_ = false;
  std::string top_, text_;
};

/// The identity of T, for the wire and for tables. Made when it is first asked for.
template <class T>
const type_identity& identity_of() {
  static const type_identity identity = [] {
    members_writer members;
    members.tell_first<T>();
    return type_identity(type_name_of<T>(), members.finish());
  }();
  return identity;
}

template <class Tuple>
struct list_identity;
template <template <class...> class Tuple, class... Each>
struct list_identity<Tuple<Each...>> {
  /// Of what a reducer gives that was registered while the program runs.
  static const type_identity& get() {
    static const type_identity identity = [] {
      members_writer members;
      members.tell_list<Each...>();
      return type_identity(std::string(), members.finish());
    }();
    return identity;
  }
};

}  // namespace ferry::detail

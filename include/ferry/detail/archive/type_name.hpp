// SPDX-License-Identifier: BSL-1.0
// Wire names of types: the same text from GCC and Clang, and another one for another type.
#pragma once

#include <ferry/handle.hpp>
#include <ferry/reducer.hpp>

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace ferry::detail {

/// A type as the compiler spells it, e.g. "camera::frame". Compilers differ in it: only for questions asked
/// while one compiles.
template <class T>
constexpr std::string_view spelled_name() noexcept {
  // GCC:   "... spelled_name() [with T = X; std::string_view = ...]"; Clang: "... spelled_name() [T = X]"
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("T = ") + 4);
#ifdef __clang__
  return text.substr(0, text.rfind(']'));
#else
  return text.substr(0, text.find("; std::string_view"));
#endif
}

template <class T>
inline constexpr bool is_in_std = spelled_name<T>().substr(0, 5) == "std::";

/// Stands for T where a complete type is needed. Its mangled name has T's in it, which is the same from all
/// compilers that follow the Itanium ABI, and says everything that tells two types apart but the file of what
/// no other file can name.
template <class T>
struct type_tag {};

/// The file that is compiled, without its folder.
consteval const char* file_of(const char* path) noexcept {
  const char* file = path;
  for (; *path != '\0'; ++path)
    if (*path == '/' || *path == '\\') file = path + 1;
  return file;
}

/// Appends the name of the T of a `type_tag<T>`.
/// @param file  where the type is from, if no other file can name it
[[gnu::cold]] void append_mangled_name(std::string& name, const std::type_info& tag, const char* file);
/// The same of a type that is a template's, up to the template's arguments.
[[gnu::cold]] void append_template_name(std::string& name, const std::type_info& tag, const char* file);

/// True for arguments of the standard library's templates that say nothing about what is on the wire.
constexpr bool is_policy_name(std::string_view name) noexcept {
  for (const std::string_view policy :
       {"std::allocator<", "std::pmr::polymorphic_allocator<", "std::char_traits<", "std::less<",
        "std::greater<", "std::hash<", "std::equal_to<", "std::default_delete<"}) {
    if (name.substr(0, policy.size()) == policy) return true;
  }
  return false;
}
template <class T>
concept allocates = requires(T& allocator, typename T::value_type* memory) {
  allocator.deallocate(memory, std::size_t{});
};
/// True if `Argument` of a template in namespace std says nothing about what is on the wire.
template <class Argument>
consteval bool is_policy() {
  if constexpr (std::is_class_v<Argument>) {
    return is_policy_name(spelled_name<Argument>()) || allocates<Argument>;
  } else {
    return false;
  }
}

template <class T>
void append_type_name(std::string& name);

/// May be specialised, for two classes that are to have one name.
template <class T>
struct type_namer {
  static void append(std::string& name) {
    if constexpr (std::is_same_v<T, bool>) {
      name += "bool";
    } else if constexpr (std::is_same_v<T, char>) {
      name += "char";
    } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, wchar_t> &&
                         !std::is_same_v<T, char8_t> && !std::is_same_v<T, char16_t> &&
                         !std::is_same_v<T, char32_t>) {
      name += std::is_signed_v<T> ? 'i' : 'u';
      name += std::to_string(sizeof(T) * 8);
    } else if constexpr (std::is_same_v<T, float>) {
      name += "f32";
    } else if constexpr (std::is_same_v<T, double>) {
      name += "f64";
    } else {
      append_mangled_name(name, typeid(type_tag<T>), file_of(__BASE_FILE__));
    }
  }
};

/// Templates over types alone: the template's own name, then the arguments; of those of the standard library,
/// only the ones that matter.
template <template <class...> class Template, class... Arguments>
struct type_namer<Template<Arguments...>> {
  static void append(std::string& name) {
    append_template_name(name, typeid(type_tag<Template<Arguments...>>), file_of(__BASE_FILE__));
    char separator = '<';
    (append_argument<Arguments>(name, separator), ...);
    name += separator == '<' ? "<>" : ">";
  }

 private:
  template <class Argument>
  static void append_argument(std::string& name, char& separator) {
    if constexpr (!is_in_std<Template<Arguments...>>) {
      name += std::exchange(separator, ',');
      append_type_name<Argument>(name);
      if constexpr (std::is_const_v<Argument>) name += " const";
      if constexpr (std::is_volatile_v<Argument>) name += " volatile";
    } else if constexpr (!is_policy<Argument>()) {
      name += std::exchange(separator, ',');
      append_type_name<Argument>(name);
    }
  }
};

template <class Char, class Allocator>
struct type_namer<std::basic_string<Char, std::char_traits<Char>, Allocator>> {
  static void append(std::string& name) {
    name += "string";
    if constexpr (!std::is_same_v<Char, char>) {
      name += '<';
      append_type_name<Char>(name);
      name += '>';
    }
  }
};
/// Views are written as what owns the same content, and read as that.
template <class Char>
struct type_namer<std::basic_string_view<Char>> : type_namer<std::basic_string<Char>> {};
template <class T, std::size_t Extent>
struct type_namer<std::span<T, Extent>> {
  static void append(std::string& name) {
    name += "std::vector<";
    append_type_name<T>(name);
    name += '>';
  }
};
template <>
struct type_namer<unique_handle> {
  static void append(std::string& name) { name += "handle"; }
};
template <>
struct type_namer<handle_view> : type_namer<unique_handle> {};
/// In tracking archives: whether a pointer may change what it points to is not said on the wire.
template <class T>
requires(!std::is_function_v<T>) struct type_namer<T*> {
  static void append(std::string& name) {
    append_type_name<T>(name);
    name += '*';
  }
};
template <class T, std::size_t Size>
struct type_namer<T[Size]> {
  static void append(std::string& name) {
    append_type_name<T>(name);
    name += '[' + std::to_string(Size) + ']';
  }
};
template <class T, std::size_t Size>
struct type_namer<std::array<T, Size>> : type_namer<T[Size]> {};
template <class T>
struct type_namer<std::array<T, 0>> {
  static void append(std::string& name) {
    append_type_name<T>(name);
    name += "[0]";
  }
};
template <std::size_t Size>
struct type_namer<std::bitset<Size>> {
  static void append(std::string& name) { name += "std::bitset<" + std::to_string(Size) + '>'; }
};

template <class T>
void append_type_name(std::string& name) {
  using type = std::remove_cv_t<T>;
  if constexpr (requires { sizeof(reducer<type>); }) {
    name += reducer<type>::name;
  } else {
    type_namer<type>::append(name);
  }
}

template <class T>
std::string type_name_of() {
  std::string name;
  append_type_name<T>(name);
  return name;
}

/// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/).
/// @param so_far  hash of what is in front of the text
constexpr std::uint64_t hash_name(std::string_view name,
                                  std::uint64_t so_far = 0xcbf29ce484222325U) noexcept {
  for (const char c : name) so_far = (so_far ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return so_far;
}

/// What a message says of the type that it holds: the name and, if there are any, a line break and the
/// members.
struct type_label {
  /// Longer ones are cut off behind so many bytes of members: what the hash is for, it does all the same.
  static constexpr std::size_t most_members = 1024;

  std::string text;
  std::uint64_t hash;  ///< of the whole text
  bool is_cut;

  type_label(std::string_view name, std::string_view members) : text(name), hash(hash_name(name)) {
    is_cut = members.size() > most_members;
    if (members.empty()) return;
    hash = hash_name(members, hash_name("\n", hash));
    (text += '\n') += members.substr(0, most_members);
  }
};

/// A type's wire name and what it is made of, computed once for each type.
struct type_identity {
  std::string name;
  std::uint64_t hash;  ///< of the name
  /// Of the type, and of what it holds: the members of aggregates, what `reduce` gives, the numbers behind
  /// enumerations; see `members_writer`. Empty where there are none of these.
  std::string members;
  type_label label;

  explicit type_identity(std::string wire_name, std::string its_members = {})
      : name(std::move(wire_name)),
        hash(hash_name(name)),
        members(std::move(its_members)),
        label(name, members) {}
};

/// The bit that stands for a type in the masks that say "something is registered for it".
constexpr std::uint64_t mask_bit(std::uint64_t hash) noexcept {
  return std::uint64_t{1} << (hash % 64);
}

}  // namespace ferry::detail

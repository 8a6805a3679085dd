// Names of types as they stand on the wire: the same text from GCC and Clang for the types people send.
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
#include <utility>

namespace ferry::detail {

/// A type as the compiler spells it, e.g. "camera::frame".
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

/// Appends `spelled`, without the inline namespaces that differ between standard libraries.
void append_spelled_name(std::string& name, std::string_view spelled);

/// True for template arguments that say nothing about what is on the wire: allocators, hashes, deleters, ...
constexpr bool is_policy_name(std::string_view name) noexcept {
  for (const std::string_view policy : {"std::allocator<", "std::char_traits<", "std::less<", "std::greater<",
                                        "std::hash<", "std::equal_to<", "std::default_delete<"}) {
    if (name.substr(0, policy.size()) == policy) return true;
  }
  return false;
}

template <class T>
void append_type_name(std::string& name);

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
      append_spelled_name(name, spelled_name<T>());
    }
  }
};

/// Templates over types alone: the template's own name, then the arguments that matter.
template <template <class...> class Template, class... Arguments>
struct type_namer<Template<Arguments...>> {
  static void append(std::string& name) {
    const std::string_view spelled = spelled_name<Template<Arguments...>>();
    append_spelled_name(name, spelled.substr(0, spelled.find('<')));
    char separator = '<';
    (append_argument<Arguments>(name, separator), ...);
    name += separator == '<' ? "<>" : ">";
  }

 private:
  template <class Argument>
  static void append_argument(std::string& name, char& separator) {
    if constexpr (!is_policy_name(spelled_name<Argument>())) {
      name += std::exchange(separator, ',');
      append_type_name<Argument>(name);
    }
  }
};

template <class Char>
struct type_namer<std::basic_string<Char>> {
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
/// In tracking archives: that somebody may not change what he points to is nothing that is on the wire.
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
constexpr std::uint64_t hash_name(std::string_view name) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

/// A type's wire name and a hash of it, computed once for each type.
struct type_identity {
  std::string name;
  std::uint64_t hash;

  explicit type_identity(std::string wire_name) : name(std::move(wire_name)), hash(hash_name(name)) {}
};

/// The bit that stands for a type in the masks that say "something is registered for it".
constexpr std::uint64_t mask_bit(std::uint64_t hash) noexcept {
  return std::uint64_t{1} << (hash % 64);
}

}  // namespace ferry::detail

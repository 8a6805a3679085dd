// SPDX-License-Identifier: BSL-1.0
// Wire names of types, made from their mangled names.
#include <ferry/detail/archive/type_name.hpp>

#include <algorithm>
#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ferry::detail {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_word(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

constexpr std::string_view anonymous = "(anonymous namespace)";

/// Rewrites what the demangler says of a type: numbers by their size, and of the standard library's templates
/// only what matters on the wire, as `type_namer` has them.
class speller {
 public:
  speller(std::string_view demangled, std::string_view file) : rest_(demangled), file_(file) {}

  /// Up to what ends a type in a list, or to the end. One branch for each thing that a name is made of.
  // NOLINTNEXTLINE(readability-function-cognitive-complexity)
  [[gnu::cold]] std::string type() {
    std::string text;
    std::size_t begin = 0;  // of the qualified name that is being read
    while (!rest_.empty() && !ends_type(rest_.front())) {
      const char c = rest_.front();
      if (is_word(c)) {
        const bool qualified = text.size() > begin && text.back() == ':';
        if (!qualified) begin = text.size();
        append_words(text, qualified, text.compare(begin, 5, "std::") == 0);
      } else if (c == '<') {
        std::string name = text.substr(begin);
        text.erase(begin);
        text += of_template(std::move(name), list('>'));
      } else if (c == '(' && rest_.starts_with(anonymous)) {
        rest_.remove_prefix(anonymous.size());
        if (text.empty() || text.back() != ':') begin = text.size();
        text += '(' + std::string(file_) + ')';
      } else if (c == '(' || c == '{' || c == '[') {
        const char end = c == '(' ? ')' : c == '{' ? '}' : ']';
        text += c + joined(list(end)) + end;
      } else {
        rest_.remove_prefix(1);
        if (c != ' ') {
          text += c;
        } else if (!rest_.empty() && is_word(rest_.front()) && !text.empty()) {
          text += ' ';
          begin = text.size();
        }
      }
    }
    return text == "(decltype(nullptr))0" ? "decltype(nullptr)" : text;
  }
  /// What `type` has stopped at is passed over.
  void pass() {
    if (!rest_.empty()) rest_.remove_prefix(1);
  }
  bool done() const noexcept { return rest_.empty(); }

  [[gnu::cold]] static std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
    return text;
  }

 private:
  static bool ends_type(char c) noexcept { return c == ',' || c == '>' || c == ')' || c == '}' || c == ']'; }

  /// Of what is between the bracket that comes next and `end`.
  [[gnu::cold]] std::vector<std::string> list(char end) {
    std::vector<std::string> parts;
    for (char stop = ','; stop == ',' && !rest_.empty();) {
      rest_.remove_prefix(1);
      std::string part = type();
      stop = rest_.empty() ? end : rest_.front();
      if (!part.empty() || stop == ',') parts.push_back(std::move(part));
    }
    pass();
    return parts;
  }

  std::string_view take_word() {
    std::size_t size = 0;
    while (size != rest_.size() && is_word(rest_[size])) ++size;
    const std::string_view word = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return word;
  }

  [[gnu::cold]] void append_words(std::string& text, bool qualified, bool in_std) {
    std::string_view word = take_word();
    if (qualified || is_digit(word.front())) {
      // Inline namespaces, in which standard libraries differ.
      const bool is_inline = in_std && rest_.starts_with("::") && (word.starts_with("__") || word == "_V2");
      if (is_inline) {
        rest_.remove_prefix(2);
      } else {
        text += word;
      }
      if (word == "operator") append_operator(text);
      return;
    }
    if (word == "operator") {
      text += word;
      append_operator(text);
      return;
    }
    // The names of numbers have several words.
    const char* const begin = word.data();
    std::string_view all = word;
    for (std::string_view before; number_named(all).empty() ? is_prefix(all) : true;) {
      before = rest_;
      if (rest_.size() < 2 || rest_.front() != ' ' || !is_word(rest_[1])) break;
      rest_.remove_prefix(1);
      const std::string_view next = take_word();
      const std::string_view longer(begin, static_cast<std::size_t>(next.data() + next.size() - begin));
      if (number_named(longer).empty() && !is_prefix(longer)) {
        rest_ = before;
        break;
      }
      all = longer;
    }
    const std::string number = number_named(all);
    text += number.empty() ? std::string(all) : number;
  }
  static bool is_prefix(std::string_view words) noexcept {
    return words == "unsigned" || words == "signed" || words == "unsigned long" || words == "long";
  }
  [[gnu::cold]] void append_operator(std::string& text) {
    if (rest_.starts_with("()")) {
      text += "()";
      rest_.remove_prefix(2);
    }
    while (!rest_.empty() && rest_.front() != '(' && !is_word(rest_.front())) {
      text += rest_.front();
      rest_.remove_prefix(1);
    }
  }

  template <class T>
  [[gnu::cold]] static std::string sized(char letter) {
    return letter + std::to_string(sizeof(T) * 8);
  }
  [[gnu::cold]] static std::string number_named(std::string_view name) {
    if (name == "int") return sized<int>('i');
    if (name == "unsigned int" || name == "unsigned") return sized<int>('u');
    if (name == "short") return sized<short>('i');
    if (name == "unsigned short") return sized<short>('u');
    if (name == "long") return sized<long>('i');
    if (name == "unsigned long") return sized<long>('u');
    if (name == "long long") return sized<long long>('i');
    if (name == "unsigned long long") return sized<long long>('u');
    if (name == "signed char") return "i8";
    if (name == "unsigned char") return "u8";
    if (name == "__int128") return "i128";
    if (name == "unsigned __int128") return "u128";
    if (name == "float") return "f32";
    if (name == "double") return "f64";
    if (name == "long double") return "long double";
    return {};
  }

  /// 3ul: 3
  [[gnu::cold]] static std::string plain_number(const std::string& number) {
    return number.substr(0, number.find_first_not_of("0123456789"));
  }
  [[gnu::cold]] static std::string of_template(std::string name, std::vector<std::string> arguments) {
    if (!name.starts_with("std::")) return name + '<' + joined(arguments) + '>';
    std::erase_if(arguments, [](const std::string& argument) { return is_policy_name(argument); });
    const std::size_t count = arguments.size();
    if (name == "std::basic_string" || name == "std::basic_string_view") {
      if (count == 1) return arguments[0] == "char" ? "string" : "string<" + arguments[0] + '>';
    } else if (name == "std::array" && count == 2) {
      return arguments[0] + '[' + plain_number(arguments[1]) + ']';
    } else if (name == "std::span" && count == 2) {
      return "std::vector<" + arguments[0] + '>';
    } else if (name == "std::bitset" && count == 1) {
      return "std::bitset<" + plain_number(arguments[0]) + '>';
    }
    return name + '<' + joined(arguments) + '>';
  }

  std::string_view rest_, file_;
};

[[gnu::cold]] std::string spelled(std::string_view demangled, std::string_view file) {
  speller reading(demangled, file);
  std::string text = reading.type();
  while (!reading.done()) {  // nothing that a type's name has
    reading.pass();
    text += reading.type();
  }
  return text;
}

/// The mangled name of the T of a `type_tag<T>`; what it shares with that of the tag is abbreviated.
std::string_view mangled_within(const std::type_info& tag) {
  constexpr std::string_view before = "N5ferry6detail8type_tagI", after = "EE";
  const std::string_view name = tag.name();
  return name.substr(before.size(), name.size() - before.size() - after.size());
}

/// "5outer", "N6camera5frameE": only names, which need no demangler.
[[gnu::cold]] bool append_plain_name(std::string& name, std::string_view mangled) {
  const std::size_t size_before = name.size();
  const bool nested = mangled.size() > 2 && mangled.front() == 'N' && mangled.back() == 'E';
  if (nested) mangled = mangled.substr(1, mangled.size() - 2);
  for (const char* separator = ""; !mangled.empty(); separator = "::") {
    std::size_t digits = 0, size = 0;
    for (; digits < mangled.size() && digits < 5 && is_digit(mangled[digits]); ++digits)
      size = 10 * size + static_cast<std::size_t>(mangled[digits] - '0');
    const std::string_view word = mangled.substr(digits, size);
    if (digits == 0 || word.size() != size || word == "_GLOBAL__N_1" || word.starts_with('.') ||
        word.starts_with('$') || (!nested && size != mangled.size() - digits)) {
      name.resize(size_before);
      return false;
    }
    (name += separator) += word;
    mangled.remove_prefix(digits + size);
  }
  return name.size() != size_before;
}

/// Which of several local types of one name in one function it is, from 0 for the second; nothing for the
/// first. The demangler does not tell. Of each local type that the name mentions, as "#0#3". One branch for
/// each production of the grammar of mangled names.
// NOLINTNEXTLINE(readability-function-cognitive-complexity)
[[gnu::cold]] std::string discriminators(std::string_view mangled) {
  std::string numbers;
  std::size_t at = 0;
  bool is_local = false;
  const auto digits_from = [&](std::size_t from) {
    std::size_t end = from;
    while (end < mangled.size() && is_digit(mangled[end])) ++end;
    return mangled.substr(from, end - from);
  };
  // "_3" or "__12_" behind a local name; in it digits are the size of the identifier that follows.
  const auto take_number = [&] {
    if (!is_local || at >= mangled.size() || mangled[at] != '_') return;
    const std::size_t begin = at + (mangled.substr(at).starts_with("__") ? 2 : 1);
    const std::string_view number = digits_from(begin);
    if (number.empty()) return;
    (numbers += '#') += begin == at + 2 ? number : number.substr(0, 1);
    at = begin + (begin == at + 2 ? number.size() + 1 : 1);
  };
  while (at < mangled.size()) {
    const char c = mangled[at];
    if (is_digit(c)) {
      const std::string_view digits = digits_from(at);
      const int size = std::atoi(std::string(digits).c_str());
      at = std::min(at + digits.size() + static_cast<std::size_t>(size), mangled.size());
      take_number();
    } else if (c == 'S' || c == 'T' || c == 'A') {  // a substitution, a parameter, an array: "S1_"
      while (++at < mangled.size() && (is_digit(mangled[at]) || (mangled[at] >= 'A' && mangled[at] <= 'Z'))) {
      }
      if (at < mangled.size() && mangled[at] == '_') ++at;
    } else if (c == 'L' && at + 1 < mangled.size() && mangled[at + 1] >= 'a' && mangled[at + 1] <= 'z') {
      at = std::min(mangled.find('E', at), mangled.size());  // a number as an argument
    } else {
      ++at;
      if (c == 'Z') is_local = true;
      if (c == 'E') take_number();
    }
  }
  return numbers;
}

/// Whether it is something that other files cannot name, but not in an anonymous namespace.
[[gnu::cold]] bool is_of_static_function(std::string_view mangled) {
  for (std::size_t at = mangled.find("ZL"); at != mangled.npos; at = mangled.find("ZL", at + 1))
    if (at + 2 < mangled.size() && is_digit(mangled[at + 2])) return true;
  // What has no name at all, as GCC and as Clang number it.
  return mangled.find("._anon_") != mangled.npos || mangled.find("$_") != mangled.npos;
}

/// What the demangler says of the T of a `type_tag<T>`.
[[gnu::cold]] std::string demangled_within(const std::type_info& tag) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> whole(
      abi::__cxa_demangle(tag.name(), nullptr, nullptr, &status), &std::free);
  if (status != 0) return std::string(mangled_within(tag));
  constexpr std::string_view before = "ferry::detail::type_tag<";
  std::string_view text = whole.get();
  text = text.substr(before.size(), text.size() - before.size() - 1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return std::string(text);
}

[[gnu::cold]] void append_text(std::string& name, std::string_view mangled, std::string_view text,
                               std::string_view file) {
  std::string result = spelled(text, file);
  if (is_of_static_function(mangled) && text.find(anonymous) == text.npos)
    result.insert(0, '(' + std::string(file) + ")::");
  name += result;
}

}  // namespace

void append_mangled_name(std::string& name, const std::type_info& tag, const char* file) {
  const std::string_view mangled = mangled_within(tag);
  if (append_plain_name(name, mangled)) return;
  append_text(name, mangled, demangled_within(tag), file);
  name += discriminators(mangled);
}

void append_template_name(std::string& name, const std::type_info& tag, const char* file) {
  const std::string_view mangled = mangled_within(tag);
  std::string text = demangled_within(tag);
  // Its arguments are between the last bracket and the one that belongs to that.
  std::size_t depth = 0, at = text.size();
  while (at-- != 0) {
    if (text[at] == '>' || text[at] == ')') ++depth;
    if ((text[at] == '<' || text[at] == '(') && --depth == 0) break;
  }
  text.resize(at);
  append_text(name, mangled, text, file);
  // Those of its own arguments stand with these.
  if (text.find('<') != text.npos) name += discriminators(mangled);
}

}  // namespace ferry::detail

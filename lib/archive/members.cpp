// SPDX-License-Identifier: BSL-1.0
// Comparing what two programs say that a type is made of.
#include <ferry/detail/archive/members.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace ferry::detail {

void members_writer::begin(const std::string& name, char kind) {
  if (!text_.empty()) text_ += ';';
  if (!telling_top_) text_ += name;
  telling_top_ = false;
  (text_ += '=') += kind;
}

void members_writer::add_member_text(std::string name) {
  const auto is_part_of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
  };
  for (std::size_t at = name.find(top_); !top_.empty() && at != name.npos; at = name.find(top_, at + 1)) {
    const std::size_t end = at + top_.size();
    const bool is_whole = (at == 0 || !is_part_of_name(name[at - 1])) &&
                          (end == name.size() || (!is_part_of_name(name[end]) && name[end] != '<'));
    if (is_whole) name.replace(at, top_.size(), "^");
  }
  const char last = text_.back();
  if (last != '{' && last != '(') text_ += ',';
  text_ += name;
}

namespace {

/// The parts of `text` between separators that stand outside of all brackets.
[[gnu::cold]] std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t depth = 0, begin = 0;
  for (std::size_t i = 0; i != text.size(); ++i) {
    const char c = text[i];
    const bool is_arrow = c == '>' && i != 0 && text[i - 1] == '-';
    if (c == '<' || c == '(' || c == '{' || c == '[') ++depth;
    if ((c == '>' || c == ')' || c == '}' || c == ']') && !is_arrow && depth != 0) --depth;
    if (c != separator || depth != 0) continue;
    parts.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  if (begin != text.size()) parts.push_back(text.substr(begin));
  return parts;
}

struct definition {
  std::string_view name;
  char kind =
      0;  // '{' members of an aggregate, '(' what `reduce` gives, ':' the number behind an enumeration
  std::vector<std::string_view> members;
  bool is_whole = true;
};

[[gnu::cold]] definition parsed(std::string_view text) {
  definition found;
  const std::size_t begin = text.find('=');
  if (begin == text.npos || begin + 1 == text.size()) return found;
  found.name = text.substr(0, begin);
  found.kind = text[begin + 1];
  std::string_view members = text.substr(begin + 2);
  if (found.kind != ':') {
    found.is_whole = !members.empty() && (members.back() == '}' || members.back() == ')');
    if (found.is_whole) members.remove_suffix(1);
  }
  found.members = split(members, ',');
  // How a part that is cut off goes on is unknown.
  if (!found.is_whole && !found.members.empty()) found.members.pop_back();
  return found;
}

[[gnu::cold]] std::string readable(std::string_view member) {
  if (member == "^") return "the type itself";
  return std::string(member);
}

[[gnu::cold]] std::string difference(const definition& there, const definition& here) {
  std::string where = here.name.empty() ? "" : "'" + std::string(here.name) + "' in it: ";
  if (there.kind != here.kind) return where + "it crosses in another way";
  if (here.kind == ':') {
    return there.members == here.members
               ? std::string()
               : where + "the enumeration is " + readable(there.members.empty() ? "" : there.members[0]) +
                     " in the message, " + readable(here.members.empty() ? "" : here.members[0]) + " here";
  }
  const std::string what = here.kind == '(' ? "argument " : "member ";
  const std::size_t both = std::min(there.members.size(), here.members.size());
  const auto told = [&](std::size_t i, std::string_view a, std::string_view b) {
    const bool result = a.starts_with("-> ") && b.starts_with("-> ");
    if (result)
      return where + "the result is " + std::string(a.substr(3)) + " in the message, " +
             std::string(b.substr(3)) + " here";
    return where + what + std::to_string(i + 1) + " is " + readable(a) + " in the message, " + readable(b) +
           " here";
  };
  std::string count;
  if (there.is_whole && there.members.size() != here.members.size()) {
    const std::string plural = here.kind == '(' ? "arguments" : "members";
    count = where + "there are " + std::to_string(there.members.size()) + ' ' + plural + " in the message, " +
            std::to_string(here.members.size()) + " here";
    where.clear();
  }
  for (std::size_t i = 0; i != both; ++i)
    if (there.members[i] != here.members[i])
      return (count.empty() ? "" : count + "; ") + told(i, there.members[i], here.members[i]);
  return count;
}

}  // namespace

std::string difference_of_members(std::string_view there, const type_identity& here, std::uint64_t overridden,
                                  bool is_cut) {
  std::vector<definition> written;
  for (const std::string_view each : split(there, ';')) written.push_back(parsed(each));
  if (is_cut && !written.empty()) written.back().is_whole = false;
  for (const std::string_view each : split(here.members, ';')) {
    const definition known = parsed(each);
    if ((overridden & mask_bit(known.name.empty() ? here.hash : hash_name(known.name))) != 0) continue;
    for (const definition& other : written) {
      if (other.name != known.name || other.kind == 0) continue;
      if (std::string found = difference(other, known); !found.empty()) return found;
    }
  }
  return is_cut ? "one of the last members is another one here; the message tells what the first of them are"
                : std::string();
}

}  // namespace ferry::detail

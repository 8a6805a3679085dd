// SPDX-License-Identifier: BSL-1.0
// Types that are known by their names: why one of the standard library cannot cross, and what is a lambda.
#pragma once

#include <ferry/detail/archive/refusal_texts.hpp>
#include <ferry/detail/archive/type_name.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace ferry::detail {

enum class refusal : unsigned char {
  none,
#define FERRY_DETAIL_ROW(kind, text, ...) kind,
  FERRY_DETAIL_REFUSALS(FERRY_DETAIL_ROW)
#undef FERRY_DETAIL_ROW
};

struct well_known {
  std::string_view name;  ///< the type's own, or of the template
  refusal why;
};

// By name, so that no header of theirs is needed here.
inline constexpr well_known well_known_in_std[] = {
    {"function", refusal::std_function},
    {"move_only_function", refusal::std_function},
    {"copyable_function", refusal::std_function},
    {"function_ref", refusal::std_function},
    {"_Bind", refusal::std_bind},
    {"_Bind_result", refusal::std_bind},
    {"_Bind_front", refusal::std_bind},
    {"_Bind_front0", refusal::std_bind},
    {"_Bind_back", refusal::std_bind},
    {"_Mem_fn", refusal::std_bind},
    {"_Not_fn", refusal::std_bind},
    {"__bind", refusal::std_bind},
    {"__bind_r", refusal::std_bind},
    {"__bind_front_t", refusal::std_bind},
    {"__mem_fn", refusal::std_bind},
    {"__not_fn_t", refusal::std_bind},
    {"reference_wrapper", refusal::std_reference_wrapper},
    {"thread", refusal::std_thread},
    {"jthread", refusal::std_thread},
    {"thread::id", refusal::std_thread_id},
    {"__thread_id", refusal::std_thread_id},
    {"stop_token", refusal::std_stop},
    {"stop_source", refusal::std_stop},
    {"stop_callback", refusal::std_stop},
    {"basic_ifstream", refusal::std_file_stream},
    {"basic_ofstream", refusal::std_file_stream},
    {"basic_fstream", refusal::std_file_stream},
    {"basic_filebuf", refusal::std_file_stream},
    {"basic_istringstream", refusal::std_string_stream},
    {"basic_ostringstream", refusal::std_string_stream},
    {"basic_stringstream", refusal::std_string_stream},
    {"basic_stringbuf", refusal::std_string_stream},
    {"basic_istream", refusal::std_stream},
    {"basic_ostream", refusal::std_stream},
    {"basic_iostream", refusal::std_stream},
    {"basic_streambuf", refusal::std_stream},
    {"basic_ios", refusal::std_stream},
    {"ios_base", refusal::std_stream},
    {"basic_osyncstream", refusal::std_stream},
    {"basic_syncbuf", refusal::std_stream},
    {"basic_spanstream", refusal::std_stream},
    {"basic_ispanstream", refusal::std_stream},
    {"basic_ospanstream", refusal::std_stream},
    {"any", refusal::std_any},
    {"future", refusal::std_future},
    {"shared_future", refusal::std_future},
    {"promise", refusal::std_future},
    {"packaged_task", refusal::std_future},
    {"nested_exception", refusal::std_exception_holder},
    {"atomic", refusal::std_atomic},
    {"atomic_ref", refusal::std_atomic},
    {"atomic_flag", refusal::std_atomic},
    {"mutex", refusal::std_mutex},
    {"timed_mutex", refusal::std_mutex},
    {"recursive_mutex", refusal::std_mutex},
    {"recursive_timed_mutex", refusal::std_mutex},
    {"shared_mutex", refusal::std_mutex},
    {"shared_timed_mutex", refusal::std_mutex},
    {"unique_lock", refusal::std_lock},
    {"lock_guard", refusal::std_lock},
    {"scoped_lock", refusal::std_lock},
    {"shared_lock", refusal::std_lock},
    {"condition_variable", refusal::std_condition_variable},
    {"condition_variable_any", refusal::std_condition_variable},
    {"counting_semaphore", refusal::std_semaphore},
    {"barrier", refusal::std_barrier},
    {"latch", refusal::std_barrier},
    {"once_flag", refusal::std_once_flag},
    {"filesystem::directory_iterator", refusal::std_directory},
    {"filesystem::recursive_directory_iterator", refusal::std_directory},
    {"filesystem::directory_entry", refusal::std_directory},
    {"coroutine_handle", refusal::std_coroutine},
    {"locale", refusal::std_locale},
    {"basic_regex", refusal::std_regex},
    {"match_results", refusal::std_match},
    {"sub_match", refusal::std_match},
    {"mersenne_twister_engine", refusal::std_random},
    {"linear_congruential_engine", refusal::std_random},
    {"subtract_with_carry_engine", refusal::std_random},
    {"discard_block_engine", refusal::std_random},
    {"independent_bits_engine", refusal::std_random},
    {"shuffle_order_engine", refusal::std_random},
    {"seed_seq", refusal::std_random},
    {"random_device", refusal::std_random_device},
    {"type_info", refusal::std_type},
    {"type_index", refusal::std_type},
    {"chrono::time_zone", refusal::std_time_zone},
    {"chrono::zoned_time", refusal::std_time_zone},
    {"source_location", refusal::std_source_location},
    {"error_category", refusal::std_category},
    {"allocator", refusal::std_allocator},
    {"pmr::polymorphic_allocator", refusal::std_allocator},
    {"pmr::memory_resource", refusal::std_allocator},
    {"pmr::monotonic_buffer_resource", refusal::std_allocator},
    {"pmr::unsynchronized_pool_resource", refusal::std_allocator},
    {"pmr::synchronized_pool_resource", refusal::std_allocator},
};
inline constexpr well_known well_known_in_ferry[] = {
    {"task", refusal::ferry_task},       {"pool", refusal::ferry_pool},
    {"pool_calls", refusal::ferry_pool}, {"results", refusal::ferry_pool},
    {"process", refusal::ferry_process}, {"lease", refusal::ferry_lease},
};

/// `name` without the namespaces that begin with an underscore: inline ones, which users do not write.
/// Template arguments are cut off.
template <std::size_t Size>
constexpr std::string_view shown_name(std::string_view name, std::array<char, Size>& into) {
  name = name.substr(0, name.find('<'));
  std::size_t size = 0;
  while (!name.empty()) {
    const std::size_t end = name.find("::");
    const std::string_view part = name.substr(0, end);
    const bool last = end == name.npos;
    if (last || part.substr(0, 1) != "_") {
      if (size + part.size() + 2 > Size) return {};
      for (const char c : part) into[size++] = c;
      if (last) break;
      into[size++] = ':';
      into[size++] = ':';
    }
    name.remove_prefix(end + 2);
  }
  return {into.data(), size};
}

template <std::size_t Size>
constexpr refusal refusal_by_name(std::string_view name, std::string_view space, refusal other,
                                  const well_known (&table)[Size]) {
  std::array<char, 96> shown{};
  name = shown_name(name, shown);
  if (name.substr(0, space.size()) != space) return refusal::none;
  name.remove_prefix(space.size());
  for (const well_known& each : table) {
    if (each.name == name) return each.why;
  }
  return name.ends_with("_distribution") ? refusal::std_random : other;
}

/// A lambda's own name ends the name of its type; in those of other types it is an argument of a template.
template <class T>
constexpr bool is_lambda() {
  constexpr std::string_view name = spelled_name<T>();
  // GCC: "main()::<lambda(int)>", Clang: "(lambda at file:3:7)"
  constexpr std::size_t gcc = name.find("<lambda("), clang = name.find("(lambda at ");
  if constexpr (!std::is_class_v<T> || (gcc == name.npos && clang == name.npos)) {
    return false;
  } else {
    int open = 0;
    for (const char c : name.substr(0, gcc < clang ? gcc : clang)) open += c == '<' ? 1 : c == '>' ? -1 : 0;
    return open == 0;
  }
}

}  // namespace ferry::detail

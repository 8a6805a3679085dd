// What goes to a worker, and what comes back.
#pragma once

#include <ferry/file.hpp>
#include <ferry/reducer.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <tuple>
#include <utility>

namespace digest {

/// A file to digest. The path is for messages to people; it stays in the parent.
struct job {
  std::uint64_t number;
  std::filesystem::path path;
  ferry::file content;
  int failures = 0;  ///< how many workers have died of it
};

/// Either a digest or the reason why there is none. It crosses as it is: a plain aggregate needs no reducer.
struct result {
  std::uint64_t number;
  std::string checksum;
  std::string problem;
};

}  // namespace digest

/// What crosses of a job is its number and the *open* file. There is no path that a worker could open.
template <>
struct ferry::reducer<digest::job> {
  static constexpr std::string_view name = "digest.job";
  static auto reduce(const digest::job& job) { return std::tie(job.number, job.content); }
  static digest::job rebuild(std::uint64_t number, ferry::file content) {
    return {number, {}, std::move(content)};
  }
};

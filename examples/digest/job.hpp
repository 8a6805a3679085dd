// SPDX-License-Identifier: BSL-1.0
// Job of a worker: the file that goes to it, and the digest that comes back.
#pragma once

#include <ferry/file.hpp>
#include <ferry/reducer.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace digest {

/// Either a digest or the reason why there is none. It crosses as it is: a plain aggregate needs no reducer.
struct result {
  std::string checksum;
  std::string problem;
};

/// A file to digest. It is opened here, by the parent; a file that cannot be opened is a job, too, with a
/// result that says why.
class job {
 public:
  explicit job(const std::filesystem::path& path);

  /// What the worker does. Once more is no other: a job goes to a second worker when the first is killed.
  result run();

 private:
  friend struct ferry::reducer<job>;
  job(std::optional<ferry::file> content, std::string problem)
      : content_(std::move(content)), problem_(std::move(problem)) {}

  std::optional<ferry::file> content_;
  std::string problem_;
};

}  // namespace digest

/// What crosses of a job is the *open* file. There is no path that a worker could open.
template <>
struct ferry::reducer<digest::job> {
  static constexpr std::string_view name = "digest.job";
  static auto reduce(const digest::job& job) { return std::tie(job.content_, job.problem_); }
  static digest::job rebuild(std::optional<ferry::file> content, std::string problem) {
    return {std::move(content), std::move(problem)};
  }
};

// The worker processes, and which of them has which file.
#pragma once

#include <ferry/connection.hpp>
#include <ferry/process.hpp>
#include <ferry/wait.hpp>

#include "job.hpp"

#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace digest {

/// Digests files in several processes, and loses none when a process is killed: its file is given to another
/// once. Only the files that workers have in hand are open, so the number of open files has a bound.
class crew {
 public:
  using receiver = std::function<void(const result&)>;

  /// Starts `size` workers.
  crew(std::size_t size, ferry::start_method method);

  /// Gives each file to a worker, and each result to `receive`, in the order in which they come. The number
  /// of a result is the index of its file.
  void digest(const std::vector<std::filesystem::path>& files, const receiver& receive);

 private:
  struct worker {
    ferry::process process;
    ferry::connection
        channel;              // declared after the process, so closed before it: that is what ends the worker
    std::deque<job> in_hand;  // it is working on the first
  };

  worker start_worker() const;
  void hand_out();
  std::optional<job> next_job();
  std::vector<ferry::waitable> channels();
  void hear(worker& from);
  void replace(worker& dead);
  bool busy() const;

  ferry::process_options options_;
  std::vector<worker> workers_;

  // What is left to do of the call of `digest`.
  const std::vector<std::filesystem::path>* files_ = nullptr;
  const receiver* receive_ = nullptr;
  std::size_t next_ = 0;        // the first file that nobody has had
  std::deque<job> given_back_;  // by workers that have died
};

}  // namespace digest

// SPDX-License-Identifier: BSL-1.0
// Open MPI's transport through shared memory. Its processes must be started by its mpirun, and spin while
// they wait, so they are measured before all else in processes of their own: this program, with another
// argument. The library is loaded while the program runs, so that it is built, and starts, without it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// What is needed of libmpi.
class open_mpi {
 public:
  static constexpr const char* library = "libmpi.so.40";
  static constexpr const char* argument = "--as-process-of-open-mpi";

  /// Seconds for each block: "one way", "large" and "round trip". Empty where it is not installed.
  static std::map<std::string, double> measure() {
    std::map<std::string, double> found;
    void* const handle = ::dlopen(library, RTLD_NOW);
    if (handle == nullptr) return found;
    ::dlclose(handle);
    const std::string command = "mpirun --allow-run-as-root --oversubscribe -n 2 \"/proc/$PPID/exe\" " +
                                std::string(argument) + " 2>/dev/null";
    const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
    std::array<char, 32> name{};
    double seconds = 0;
    while (std::fscanf(output.get(), " %31[^:]: %lf", name.data(), &seconds) == 2)
      found[name.data()] = seconds;
    return found;
  }

  /// What each of the two processes does.
  static int run(int argc, char** argv) {
    void* const handle = ::dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    if (handle == nullptr) return 1;
    open_mpi(handle).work(argc, argv);
    return 0;
  }

 private:
  explicit open_mpi(void* handle)
      : world_(::dlsym(handle, "ompi_mpi_comm_world")), byte_(::dlsym(handle, "ompi_mpi_byte")) {
    const auto load = [handle]<class Function>(Function*& function, const char* name) {
      function = reinterpret_cast<Function*>(::dlsym(handle, name));
    };
    load(init_, "MPI_Init");
    load(rank_, "MPI_Comm_rank");
    load(send_, "MPI_Send");
    load(receive_, "MPI_Recv");
    load(finalize_, "MPI_Finalize");
  }

  void send(const std::vector<std::byte>& block, int to) const {
    send_(block.data(), static_cast<int>(block.size()), byte_, to, 0, world_);
  }
  void receive(std::vector<std::byte>& block, int from) const {
    receive_(block.data(), static_cast<int>(block.size()), byte_, from, 0, world_, nullptr);
  }

  void work(int argc, char** argv) const {
    init_(&argc, &argv);
    int rank = 0;
    rank_(world_, &rank);
    const auto measured = [&](const char* name, std::size_t size, int count, auto each) {
      std::vector<std::byte> block(size);
      for (int i = 0; i < count / 10; ++i) each(block);
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < count; ++i) each(block);
      // The taker says when it has all.
      if (rank == 0) receive(block, 1);
      if (rank == 1) send(block, 0);
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      if (rank == 0) std::printf("%s: %.9g\n", name, time.count() / count);
    };
    const auto one_way = [&](std::vector<std::byte>& block) {
      if (rank == 0) send(block, 1);
      if (rank == 1) receive(block, 0);
    };
    const auto round_trip = [&](std::vector<std::byte>& block) {
      one_way(block);
      if (rank == 0) receive(block, 1);
      if (rank == 1) send(block, 0);
    };
    measured("one way", 64, 500'000, one_way);
    measured("large", std::size_t{1} << 20U, 1'000, one_way);
    measured("round trip", 64, 100'000, round_trip);
    finalize_();
  }

  void *world_, *byte_;
  int (*init_)(int*, char***);
  int (*rank_)(void*, int*);
  int (*send_)(const void*, int, void*, int, int, void*);
  int (*receive_)(void*, int, void*, int, int, void*, void*);
  int (*finalize_)();
};

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
// Well-known types of the standard library: each is told why, and what to send.
// expect: ferry: .*a std::function cannot cross
// expect: ferry: .*what std::bind, std::bind_front, std::mem_fn and std::not_fn make cannot cross
// expect: ferry: .*a std::thread or std::jthread cannot cross
// expect: ferry: .*a std::thread::id cannot cross
// expect: ferry: .*a std::stop_token.*cannot cross.*ferry::event
// expect: ferry: .*a file stream cannot cross.*ferry::file
// expect: ferry: .*a string stream cannot cross.*str\(\)
// expect: ferry: .*a std::any cannot cross.*std::variant
// expect: ferry: .*a std::future.*cannot cross
// expect: ferry: .*a std::atomic cannot cross.*ferry::shared_value
// expect: ferry: .*a std::unique_lock.*cannot cross
// expect: ferry: .*a std::counting_semaphore cannot cross.*ferry::semaphore
// expect: ferry: .*a std::barrier or std::latch cannot cross.*ferry::barrier
// expect: ferry: .*a std::once_flag cannot cross.*ferry::once_flag
// expect: ferry: .*a directory iterator or entry cannot cross.*std::filesystem::path
// expect: ferry: .*a std::coroutine_handle cannot cross
// expect: ferry: .*a std::locale cannot cross.*name\(\)
// expect: ferry: .*a std::basic_regex cannot cross
// expect: ferry: .*a match of a regular expression cannot cross
// expect: ferry: .*an engine or a distribution of random numbers cannot cross
// expect: ferry: .*a std::random_device cannot cross
// expect: ferry: .*a std::type_info or std::type_index cannot cross
// expect: ferry: .*an iterator cannot cross
// expect: ferry: .*a FILE\* cannot cross.*ferry::file
// expect: ferry: .*a pointer to characters cannot cross.*std::string
// expect: ferry: .*a volatile value cannot cross
// expect: ferry: .*a union cannot cross.*std::variant
// expect: ferry: .*a class with virtual functions cannot cross
// expect: ferry: .*an allocator or a memory resource cannot cross
#include <ferry/barrier.hpp>
#include <ferry/bind_front.hpp>
#include <ferry/connection.hpp>
#include <ferry/event.hpp>
#include <ferry/file.hpp>
#include <ferry/once_flag.hpp>
#include <ferry/process.hpp>
#include <ferry/semaphore.hpp>
#include <ferry/shared_value.hpp>

#include <any>
#include <atomic>
#include <barrier>
#include <coroutine>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <locale>
#include <map>
#include <mutex>
#include <random>
#include <regex>
#include <semaphore>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <typeindex>
#include <variant>
#include <vector>

#ifdef FERRY_CONTROL
struct scale {
  double by;
  double operator()(double number) const { return by * number; }
};
void send(ferry::connection& to, std::ostringstream& text, std::atomic<int>& counter,
          const std::filesystem::directory_entry& entry, const std::smatch& match, std::mt19937& engine,
          const std::map<int, int>::iterator& place, const volatile int& moving) {
  to.send(scale{2});
  to.send(ferry::current_process().pid);
  to.send(ferry::file::open("log", ferry::file::mode::append));
  to.send(std::filesystem::path("log"));
  to.send(text.str());
  to.send(std::variant<int, std::string>(1));
  to.send(counter.load());
  to.send(ferry::shared_value<std::atomic<int>>());
  to.send(entry.path());
  to.send(std::vector<std::filesystem::path>{entry.path()});
  to.send(std::locale().name());
  to.send(match.str());
  to.send(std::pair(match.position(), match.length()));
  text << engine;
  to.send(text.str());
  to.send(std::string(typeid(int).name()));
  to.send(*place);
  to.send(int(moving));
  ferry::process child([](ferry::event, ferry::semaphore, ferry::barrier<>, ferry::once_flag) {},
                       ferry::event(), ferry::semaphore(1), ferry::barrier(2), ferry::once_flag());
}
#else
template <class T>
struct holder {
  T held;
};
struct shape {
  virtual ~shape() = default;
};
union number {
  int whole;
  float real;
};
using bound = decltype(std::bind_front(std::plus<>(), 1));

template <class... T>
void send(const holder<T>&... value) {
  (void(ferry::dumps(value)), ...);
}
template void send(const holder<std::function<void()>>&, const holder<bound>&, const holder<std::jthread>&,
                   const holder<std::thread::id>&, const holder<std::stop_token>&,
                   const holder<std::ofstream>&, const holder<std::stringstream>&, const holder<std::any>&,
                   const holder<std::future<int>>&, const holder<std::atomic<int>>&,
                   const holder<std::unique_lock<std::mutex>>&, const holder<std::binary_semaphore>&,
                   const holder<std::barrier<>>&, const holder<std::once_flag>&,
                   const holder<std::filesystem::directory_entry>&, const holder<std::coroutine_handle<>>&,
                   const holder<std::locale>&, const holder<std::regex>&, const holder<std::smatch>&,
                   const holder<std::mt19937>&, const holder<std::random_device>&,
                   const holder<std::type_index>&, const holder<std::map<int, int>::iterator>&,
                   const holder<std::FILE*>&, const holder<const char*>&, const holder<volatile int>&,
                   const holder<number>&, const holder<shape>&, const holder<std::allocator<int>>&);
#endif

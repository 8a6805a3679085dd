// SPDX-License-Identifier: BSL-1.0
// Well-known types of the standard library: each is told why, and what to send.
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

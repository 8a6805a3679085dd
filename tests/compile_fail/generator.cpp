// SPDX-License-Identifier: BSL-1.0
// A coroutine is a place in a running program.
#include <ferry/archive.hpp>

#include <coroutine>
#include <iterator>

template <class T>
class generator {
 public:
  struct promise_type {
    T value;
    generator get_return_object() {
      return generator(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(T yielded) {
      value = yielded;
      return {};
    }
    void return_void() {}
    void unhandled_exception() { throw; }
  };
  struct iterator {
    std::coroutine_handle<promise_type> at;
    T operator*() const { return at.promise().value; }
    iterator& operator++() {
      at.resume();
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return at.done(); }
  };
  explicit generator(std::coroutine_handle<promise_type> h) : handle_(h) {}
  generator(generator&& other) : handle_(std::exchange(other.handle_, {})) {}
  ~generator() {
    if (handle_) handle_.destroy();
  }
  iterator begin() {
    handle_.resume();
    return {handle_};
  }
  std::default_sentinel_t end() { return {}; }

 private:
  std::coroutine_handle<promise_type> handle_;
};

#ifdef FERRY_CONTROL
ferry::message send(const std::vector<int>& value) {
  return ferry::dumps(value);
}
#else
ferry::message send(const generator<int>& value) {
  return ferry::dumps(value);
}
#endif

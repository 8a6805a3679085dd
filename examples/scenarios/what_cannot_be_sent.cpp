// SPDX-License-Identifier: BSL-1.0
// What cannot be sent: a lambda with captures, and a generator in the middle of its work. The compiler
// refuses them, and names the ways out. One of these is to copy the whole process: a forked child has them
// because it has all the memory.
#include <ferry/ferry.hpp>

#include <coroutine>
#include <iostream>
#include <string>
#include <utility>

namespace {

/// The least that a generator needs: the frame of a function that stands still between two numbers.
class generator {
 public:
  struct promise_type {
    int value = 0;
    generator get_return_object() { return generator(frame::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(int next) noexcept {
      value = next;
      return {};
    }
    void return_void() noexcept {}
    void unhandled_exception() { throw; }
  };

  generator(generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  ~generator() {
    if (frame_) frame_.destroy();
  }

  int next() {
    frame_.resume();
    return frame_.promise().value;
  }

 private:
  using frame = std::coroutine_handle<promise_type>;
  explicit generator(frame resumable) : frame_(resumable) {}

  frame frame_;
};

generator squares() {
  for (int i = 1;; ++i) co_yield i* i;
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);

  const std::string greeting = "hello";
  const auto greet = [&greeting] { std::cout << "a lambda says " << greeting << " in a forked child\n"; };
  // ferry::process child(greet);
  //   error: ... "it is a lambda with captures, whose members nobody can name. Ways out: pass the captured
  //   values as arguments; write a struct with operator() and its state as members; or start the process with
  //   ..."
  ferry::process::fork(greet).join();

  generator numbers = squares();
  std::cout << "a generator goes " << numbers.next() << ", " << numbers.next() << '\n';
  // connection.send(numbers);
  //   error: ... "this type cannot cross to another process ... Ways out: ..."
  ferry::process::fork([&] { std::cout << "on in a forked child: " << numbers.next() << '\n'; }).join();
  std::cout << "on here, where it is another: " << numbers.next() << '\n';
}

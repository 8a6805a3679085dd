// SPDX-License-Identifier: BSL-1.0
// A lock that is taken apart and put together again is the same lock: in this process, at the other end of a
// connection, and in a process that was not started with it.
#include <ferry/ferry.hpp>

#include <iostream>
#include <string_view>

namespace {

const ferry::archive_options any_time{.mode = ferry::transfer::duplicate};

void say(std::string_view where, const ferry::mutex& lock) {
  std::cout << where << (lock.is_locked() ? ": held" : ": free") << std::endl;
}

/// Gets the lock by a connection, as something that comes later than the start.
void hold_what_comes(ferry::connection parent) {
  parent.options().mode = ferry::transfer::duplicate;
  auto lock = parent.recv<ferry::mutex>();
  lock.lock();
  parent.send(true);
  parent.recv<bool>();
  lock.unlock();
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  ferry::mutex a;
  try {
    ferry::dumps(a);
  } catch (const ferry::spawning_error&) {
    std::cout << "outside the start of a process: refused, unless one says so" << std::endl;
  }

  auto b = ferry::loads<ferry::mutex>(ferry::dumps(a, any_time), any_time);
  say("before", a);
  b.lock();
  say("locked through the other", a);
  a.unlock();
  say("unlocked through the first", b);

  auto [here, there] = ferry::pipe();
  here.options().mode = ferry::transfer::duplicate;
  ferry::process child(ferry::fn<&hold_what_comes>, std::move(there));
  here.send(a);
  here.recv<bool>();
  say("locked by a child that got it later", a);
  here.send(true);
  child.join();
  say("after it", a);
}

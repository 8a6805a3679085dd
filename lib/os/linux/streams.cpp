// SPDX-License-Identifier: BSL-1.0
// Flushing the streams of C and C++, those that another thread holds too.
#include "os/linux/streams.hpp"

#include <cstdio>
#include <ext/stdio_sync_filebuf.h>
#include <iostream>
#include <stdio_ext.h>
#include <sys/single_threaded.h>
#include <typeinfo>

// All C streams there are, and the lock of their list: glibc has had these since 2.2 and declares them
// nowhere.
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier)
FILE* _IO_iter_begin() noexcept;
FILE* _IO_iter_end() noexcept;
FILE* _IO_iter_next(FILE*) noexcept;
FILE* _IO_iter_file(FILE*) noexcept;
void _IO_list_lock() noexcept;
void _IO_list_unlock() noexcept;
// NOLINTEND(bugprone-reserved-identifier)
}

namespace ferry::os {
namespace {

/// Does something with each C stream that has something to write, whichever thread has its lock.
template <class Do>
void for_each_unwritten(Do what) {
  for (FILE* each = ::_IO_iter_begin(); each != ::_IO_iter_end(); each = ::_IO_iter_next(each)) {
    FILE* const stream = ::_IO_iter_file(each);
    if (::__fwriting(stream) != 0 && ::__fpending(stream) != 0) what(stream);
  }
}

/// Standard streams have no buffer but that of the C stream, unless the program has given them one.
template <class Char>
bool has_own_buffer(const std::basic_ostream<Char>& stream) {
  const auto* const buffer = stream.rdbuf();
  return buffer != nullptr && typeid(*buffer) != typeid(__gnu_cxx::stdio_sync_filebuf<Char>);
}

template <class... Streams>
void flush(Streams&... streams) noexcept {
  const auto flush_one = [](auto& stream) {
    try {
      if (has_own_buffer(stream)) stream.flush();
    } catch (...) {  // the program has asked for it, by `exceptions`, for its own calls
    }
  };
  (flush_one(streams), ...);
}

void flush_standard_streams() noexcept {
  flush(std::cout, std::wcout, std::cerr, std::wcerr, std::clog, std::wclog);
}

}  // namespace

void flush_streams() noexcept {
  flush_standard_streams();
  if (__libc_single_threaded) {
    for_each_unwritten([](FILE* stream) { std::fflush(stream); });
    return;
  }
  for (FILE* const stream : {stdout, stderr}) {
    if (::ftrylockfile(stream) != 0) continue;
    std::fflush(stream);
    ::funlockfile(stream);
  }
}

void drop_parents_output() noexcept {
  // Those that write to memory write to the child's own.
  for_each_unwritten([](FILE* stream) {
    if (::fileno(stream) >= 0) ::__fpurge(stream);
  });
}

void flush_streams_at_exit() noexcept {
  flush_standard_streams();
  // Not `fflush`, which waits for as long as another thread waits for input with a stream's lock. One that
  // closes a stream waits for the list.
  ::_IO_list_lock();
  for_each_unwritten([](FILE* stream) { ::fflush_unlocked(stream); });
  ::_IO_list_unlock();
}

}  // namespace ferry::os

// A callable that two programs mention.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/connection.hpp>
#include <ferry/process.hpp>

namespace ferry::test {

inline void answer(unique_handle line, int number) {
  connection(std::move(line)).send_message(dumps(number + 1));
}

}  // namespace ferry::test

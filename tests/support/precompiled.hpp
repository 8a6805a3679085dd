// What most tests spend their compile time on, compiled once for all of them by CMake. Each test still
// includes what it uses: Meson builds the same tests without this.
#pragma once

#include <ferry/archive.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <random>
#include <thread>

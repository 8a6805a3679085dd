// SPDX-License-Identifier: BSL-1.0
// What most tests spend their compile time on, compiled once for all of them. Each still includes what it
// uses.
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

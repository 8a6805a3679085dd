// SPDX-License-Identifier: BSL-1.0
// Two maps at once, on one pool: read in step by one thread, and each by a thread of its own. Each keeps its
// own order, though what is first in the input takes longest.
#include <ferry/ferry.hpp>

#include <boost/range/adaptor/transformed.hpp>
#include <boost/range/irange.hpp>

#include <iostream>
#include <thread>
#include <vector>

namespace {

int fibonacci(int n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

int primes_below(int n) {
  int count = 0;
  for (int candidate = 2; candidate < n; ++candidate) {
    int factor = 2;
    while (candidate % factor != 0) ++factor;
    count += factor == candidate;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  ferry::pool pool(2);
  const auto from_large_to_small = boost::irange(6, 0, -1);
  const auto numbers = from_large_to_small | boost::adaptors::transformed([](int n) { return 4 * n; });
  const auto bounds = from_large_to_small | boost::adaptors::transformed([](int n) { return 1000 * n; });

  std::cout << "in step:\n";
  auto left = pool.imap(ferry::fn<&fibonacci>, numbers);
  auto right = pool.imap(ferry::fn<&primes_below>, bounds);
  auto other = right.begin();
  for (const int number : left) {
    std::cout << number << ' ' << *other << '\n';
    ++other;
  }

  std::cout << "by two threads:\n";
  std::vector<int> one, two;
  std::thread reader([&] {
    for (const int number : pool.imap(ferry::fn<&fibonacci>, numbers)) one.push_back(number);
  });
  for (const int number : pool.imap(ferry::fn<&primes_below>, bounds)) two.push_back(number);
  reader.join();
  for (std::size_t i = 0; i < one.size(); ++i) std::cout << one[i] << ' ' << two[i] << '\n';
}

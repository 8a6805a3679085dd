// SPDX-License-Identifier: BSL-1.0
// A copy would be changed, and the caller would not see it.
#include <ferry/connection.hpp>
#include <ferry/process.hpp>
#include <ferry/shared_value.hpp>

#include <vector>

void fill(std::vector<int>& numbers);
void fill_line(ferry::connection& line);
int last(const std::vector<int>& numbers);
void count(ferry::shared_value<int> number);

void start(std::vector<int>& numbers, ferry::connection& line, const ferry::shared_value<int>& number) {
#ifdef FERRY_CONTROL
  ferry::process live(ferry::fn<&fill_line>, line);
  ferry::process reading(ferry::fn<&last>, numbers);
  ferry::process sharing(ferry::fn<&count>, number);
  ferry::process by_value([](std::vector<int> copy) { fill(copy); }, numbers);
#else
  ferry::process child(ferry::fn<&fill>, numbers);
#endif
}

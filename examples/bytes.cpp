// SPDX-License-Identifier: BSL-1.0
// The bytes of a message; docs/wire-format.md says what each of them is.
#include <ferry/ferry.hpp>

#include <boost/serialization/version.hpp>

#include <cstdio>

namespace camera {

class lens {
 public:
  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& millimetres_;
  }

 private:
  std::uint16_t millimetres_ = 50;
};

struct shot {
  std::string title;
  std::optional<double> exposure;
  std::vector<std::uint16_t> levels;
  std::shared_ptr<lens> left, right;
  ferry::file raw;
};

}  // namespace camera

BOOST_CLASS_VERSION(camera::lens, 2)

int main() {
  const auto one_lens = std::make_shared<camera::lens>();
  const ferry::message what = ferry::dumps(camera::shot{.title = "sea",
                                                        .exposure = 0.25,
                                                        .levels = {1, 2, 3},
                                                        .left = one_lens,
                                                        .right = one_lens,
                                                        .raw = ferry::file::open("/dev/null")});
  std::size_t offset = 0;
  for (const std::byte each : what.bytes()) {
    if (offset % 16 == 0) std::printf(offset == 0 ? "%02zx " : "\n%02zx ", offset);
    std::printf(" %02x", std::to_integer<unsigned>(each));
    ++offset;
  }
  std::printf("\n");
}

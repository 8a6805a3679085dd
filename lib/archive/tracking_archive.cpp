// SPDX-License-Identifier: BSL-1.0
// The tracking archives, as far as they do not depend on the types written.
#include <ferry/tracking_archive.hpp>

#include <boost/archive/impl/archive_serializer_map.ipp>

#include <cstring>
#include <string>
#include <utility>

namespace ferry {

void tracking_iarchive::load_override(boost::archive::class_name_type& name) {
  const std::string text = detail::make<std::string>(inner_);
  if (text.size() >= BOOST_SERIALIZATION_MAX_KEY_SIZE - 1) {
    inner_.fail("the name of a class has " + std::to_string(text.size()) +
                " characters, more than Boost allows");
  }
  std::memcpy(static_cast<char*>(name), text.c_str(), text.size() + 1);
}

// Objects without content take no bytes in these archives, so a count may be larger than what is left of the
// message; it must not have a loader make room for much more than the message is worth.
void tracking_iarchive::load_override(boost::serialization::collection_size_type& size) {
  constexpr std::size_t always_granted = std::size_t{16} << 20U;  // bytes
  load(size);
  const std::size_t count = std::as_const(size);
  if (element_size_ != 0 && count > always_granted / element_size_) inner_.check_count(count);
}

void tracking_iarchive::fail_variant(std::size_t alternatives, std::uint64_t index) const {
  inner_.fail("a variant of " + std::to_string(alternatives) + " alternatives holds number " +
              std::to_string(index));
}

}  // namespace ferry

namespace boost::archive::detail {
template class archive_serializer_map<ferry::tracking_oarchive>;
template class archive_serializer_map<ferry::tracking_iarchive>;
}  // namespace boost::archive::detail

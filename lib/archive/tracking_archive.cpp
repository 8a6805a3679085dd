// The tracking archives, as far as they do not depend on the types written.
#include <ferry/tracking_archive.hpp>

#include <boost/archive/impl/archive_serializer_map.ipp>

#include <cstring>

namespace ferry {

void tracking_iarchive::load_override(boost::archive::class_name_type& name) {
  const std::string text = detail::make<std::string>(inner_);
  if (text.size() >= BOOST_SERIALIZATION_MAX_KEY_SIZE - 1) {
    inner_.fail("the name of a class has " + std::to_string(text.size()) +
                " characters, more than Boost allows");
  }
  std::memcpy(static_cast<char*>(name), text.c_str(), text.size() + 1);
}

}  // namespace ferry

namespace boost::archive::detail {
template class archive_serializer_map<ferry::tracking_oarchive>;
template class archive_serializer_map<ferry::tracking_iarchive>;
}  // namespace boost::archive::detail

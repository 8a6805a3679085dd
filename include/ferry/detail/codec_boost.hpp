// User code for Boost.Serialization: `serialize` functions, and the wrappers that they write.
#pragma once

#include <ferry/detail/codec.hpp>

// base_object relies on archives to include the first and the last of these.
#include <boost/serialization/extended_type_info_typeid.hpp>
#include <boost/serialization/version.hpp>
#include <boost/serialization/void_cast.hpp>
#include <gsl/narrow>

#include <memory>
#include <type_traits>
#include <utility>

namespace ferry::detail {

// `inline` here, and where anything is saved or loaded, has GCC write and read several members in one place,
// with what it knows of the buffer in registers. Without it a program of many types has it call one function
// for each member.

/// Writes objects that follow one another: what they have in common is done once.
template <class T>
inline void save_boost(forking_oarchive& archive, const T* objects, std::size_t count) {
  if (count == 0) return;
  constexpr unsigned version = boost::serialization::version<T>::value;
  if constexpr (version != 0) archive.note_version(identity_of<T>(), version);
  const nesting level(archive);
  for (const T* const end = objects + count; objects != end; ++objects) {
    archive.expect_members_of<T>();
    const std::size_t before = archive.size();
    if constexpr (needs_construct_data<T>)
      boost::serialization::save_construct_data_adl(archive, objects, version);
    boost::serialization::serialize_adl(archive, const_cast<T&>(*objects), version);
    if (archive.size() == before) save_empty(archive);
  }
}

template <class T>
unsigned version_in(const forking_iarchive& archive) {
  if (!archive.has_versions()) [[likely]]
    return 0;
  return archive.version_of(identity_of<T>(), boost::serialization::version<T>::value);
}

/// Boost's load_construct_data makes an object without a public default constructor.
template <class T>
T make_boost(forking_iarchive& archive) {
  const nesting level(archive);
  const unsigned version = version_in<T>(archive);
  const std::size_t before = archive.remaining();
  union storage {
    storage() {}
    ~storage() {}
    T value;
  } place;
  boost::serialization::load_construct_data_adl(archive, std::addressof(place.value), version);
  struct destroyer {
    T& value;
    ~destroyer() { value.~T(); }
  } const destroy_after{place.value};
  boost::serialization::serialize_adl(archive, place.value, version);
  if (archive.remaining() == before) skip_empty(archive);
  return std::move(place.value);
}

/// As `save_boost`.
template <class T>
inline void load_boost(forking_iarchive& archive, T* objects, std::size_t count) {
  if (count == 0) return;
  const nesting level(archive);
  const unsigned version = version_in<T>(archive);
  for (T* const end = objects + count; objects != end; ++objects) {
    const std::size_t before = archive.remaining();
    boost::serialization::serialize_adl(archive, *objects, version);
    if (archive.remaining() == before) skip_empty(archive);
  }
}

template <class T>
void save_boost_wrapper(forking_oarchive& archive, const T& wrapper) {
  if constexpr (requires { wrapper.const_value(); }) {  // nvp
    detail::save(archive, wrapper.const_value());
  } else if constexpr (requires { wrapper.count(); }) {  // array_wrapper
    save_elements(archive, wrapper.address(), wrapper.count());
  } else if constexpr (requires { wrapper.m_size; }) {  // binary_object
    archive.write_block(wrapper.m_t, wrapper.m_size);
  } else {  // collection_size_type, item_version_type
    archive.write_size(gsl::narrow<std::uint64_t>(static_cast<std::size_t>(wrapper)));
  }
}

template <class T>
void load_boost_wrapper(forking_iarchive& archive, T& wrapper) {
  if constexpr (requires { wrapper.const_value(); }) {
    detail::load(archive, wrapper.value());
  } else if constexpr (requires { wrapper.count(); }) {
    load_elements(archive, wrapper.address(), wrapper.count());
  } else if constexpr (requires { wrapper.m_size; }) {
    archive.read_block(const_cast<void*>(wrapper.m_t), wrapper.m_size);
  } else if constexpr (std::is_same_v<T, boost::serialization::collection_size_type>) {
    wrapper = T(archive.read_count());  // what follows in Boost's own loaders reserves this much
  } else {
    wrapper = T(static_cast<unsigned>(archive.read_size()));
  }
}

}  // namespace ferry::detail

// SPDX-License-Identifier: BSL-1.0
// User code for Boost.Serialization: `serialize` functions, and the wrappers that they write.
#pragma once

#include <ferry/detail/archive/codec.hpp>

// What user code may leave to the archives of Boost to include, all of which include these.
#include <boost/archive/archive_exception.hpp>
#include <boost/serialization/assume_abstract.hpp>
#include <boost/serialization/base_object.hpp>
#include <boost/serialization/collection_size_type.hpp>
#include <boost/serialization/extended_type_info_typeid.hpp>
#include <boost/serialization/item_version_type.hpp>
#include <boost/serialization/level.hpp>
#include <boost/serialization/library_version_type.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/split_free.hpp>
#include <boost/serialization/split_member.hpp>
#include <boost/serialization/tracking.hpp>
#include <boost/serialization/version.hpp>
#include <boost/serialization/void_cast.hpp>
#include <boost/serialization/wrapper.hpp>
#include <gsl/narrow>

#include <limits>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ferry::detail {

// `inline` here, and where anything is saved or loaded, has GCC write and read several members in one place,
// with what it knows of the buffer in registers. Without it a program of many types has it call one function
// for each member.

/// True of classes of Boost and of the standard library whose `serialize`, Boost's own, makes room for as
/// many elements as the size of the collection says. Sparse and constant vectors and matrices of uBLAS write
/// their dimensions as such sizes; its storage does make room.
template <class T>
consteval bool makes_room_for_elements() {
  const std::string_view name = spelled_name<T>(), own = name.substr(0, name.find('<'));
  if (own.substr(0, 23) == "boost::numeric::ublas::") return own.ends_with("_array");
  return is_in_std<T> || own.substr(0, 7) == "boost::" || own.substr(0, 11) == "__gnu_cxx::";
}
/// Holds sizes of collections to the bytes that there are, while such a class is read.
template <bool MakesRoom>
class bounded_counts {
 public:
  explicit bounded_counts(forking_iarchive&) {}
};
template <>
class bounded_counts<true> {
 public:
  explicit bounded_counts(forking_iarchive& archive)
      : archive_(archive), before_(archive.expect_element_counts()) {}
  ~bounded_counts() { archive_.put_back_element_counts(before_); }
  bounded_counts(const bounded_counts&) = delete;
  bounded_counts& operator=(const bounded_counts&) = delete;

 private:
  forking_iarchive& archive_;
  const std::size_t before_;
};

/// Writes objects that follow one another: what they have in common is done once.
template <class T, bool WithConstructData>
inline void save_boost(forking_oarchive& archive, const T* objects, std::size_t count) {
  if (count == 0) return;
  constexpr unsigned version = boost::serialization::version<T>::value;
  if constexpr (version != 0) archive.note_version(identity_of<T>(), version);
  const nesting level(archive);
  for (const T* const end = objects + count; objects != end; ++objects) {
    archive.expect_members_of<T>();
    const std::size_t before = archive.size();
    if constexpr (WithConstructData) boost::serialization::save_construct_data_adl(archive, objects, version);
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

/// An object made by Boost's load_construct_data, which may be the only one that can.
template <class T>
class constructed {
 public:
  constructed(forking_iarchive& archive, unsigned version) {
    boost::serialization::load_construct_data_adl(archive, std::addressof(value), version);
  }
  ~constructed() { value.~T(); }
  constructed(const constructed&) = delete;
  constructed& operator=(const constructed&) = delete;

  union {
    T value;
  };
};

template <class T>
inline void load_members(forking_iarchive& archive, T& object, unsigned version) {
  [[maybe_unused]] const bounded_counts<makes_room_for_elements<T>()> counts(archive);
  boost::serialization::serialize_adl(archive, object, version);
}

template <class T>
T make_boost(forking_iarchive& archive) {
  const nesting level(archive);
  const unsigned version = version_in<T>(archive);
  const std::size_t before = archive.remaining();
  constructed<T> object(archive, version);
  load_members(archive, object.value, version);
  if (archive.remaining() == before) skip_empty(archive);
  return std::move(object.value);
}

/// Memory for a T, from where `delete` gives it back to.
template <class T>
class heap_memory {
 public:
  heap_memory() : memory_(allocate()) {}
  ~heap_memory() {
    if (memory_ != nullptr) free(memory_);
  }
  heap_memory(const heap_memory&) = delete;
  heap_memory& operator=(const heap_memory&) = delete;

  T* get() const noexcept { return static_cast<T*>(memory_); }
  /// There is a T in it now.
  std::unique_ptr<T> release() noexcept {
    return std::unique_ptr<T>(static_cast<T*>(std::exchange(memory_, nullptr)));
  }

 private:
  static constexpr bool is_wide = alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;

  static void* allocate() {
    if constexpr (requires { T::operator new(sizeof(T)); }) {
      return T::operator new(sizeof(T));
    } else if constexpr (is_wide) {
      return ::operator new(sizeof(T), std::align_val_t(alignof(T)));
    } else {
      return ::operator new(sizeof(T));
    }
  }
  static void free(void* memory) noexcept {
    if constexpr (requires { T::operator delete(memory); }) {
      T::operator delete(memory);
    } else if constexpr (requires { T::operator delete(memory, sizeof(T)); }) {
      T::operator delete(memory, sizeof(T));
    } else if constexpr (is_wide) {
      ::operator delete(memory, std::align_val_t(alignof(T)));
    } else {
      ::operator delete(memory);
    }
  }

  void* memory_;
};

/// Makes an object as `make_boost`, on the heap, and reads it when `own` has taken it: pointers in it may
/// point to it.
template <class T, class Own>
void make_boost_on_heap(forking_iarchive& archive, const Own& own) {
  const nesting level(archive);
  const unsigned version = version_in<T>(archive);
  const std::size_t before = archive.remaining();
  heap_memory<T> memory;
  boost::serialization::load_construct_data_adl(archive, memory.get(), version);
  T& object = *memory.get();
  own(memory.release());
  load_members(archive, object, version);
  if (archive.remaining() == before) skip_empty(archive);
}

/// As `save_boost`.
template <class T>
inline void load_boost(forking_iarchive& archive, T* objects, std::size_t count) {
  if (count == 0) return;
  const nesting level(archive);
  const unsigned version = version_in<T>(archive);
  for (T* const end = objects + count; objects != end; ++objects) {
    const std::size_t before = archive.remaining();
    // Read and dropped for an object that is there already, as with Boost.
    if constexpr (needs_construct_data<T>) static_cast<void>(constructed<T>(archive, version));
    load_members(archive, *objects, version);
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
    detail::load_into(archive, wrapper.value());
  } else if constexpr (requires { wrapper.count(); }) {
    load_elements(archive, wrapper.address(), wrapper.count());
  } else if constexpr (requires { wrapper.m_size; }) {
    archive.read_block(const_cast<void*>(wrapper.m_t), wrapper.m_size);
  } else if constexpr (std::is_same_v<T, boost::serialization::collection_size_type>) {
    wrapper = T(archive.read_collection_size());
  } else {
    const std::uint64_t version = archive.read_size();
    if (version > std::numeric_limits<unsigned>::max())
      archive.fail("no class has a version of " + std::to_string(version));
    wrapper = T(gsl::narrow_cast<unsigned>(version));
  }
}

}  // namespace ferry::detail

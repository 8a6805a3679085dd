// Boost.Serialization's full machinery over Ferry's messages: raw pointers tracked, classes exported. Opt-in,
// for peers that are trusted.
#pragma once

#include <ferry/archive.hpp>

#include <boost/archive/detail/common_iarchive.hpp>
#include <boost/archive/detail/common_oarchive.hpp>
#include <boost/archive/detail/register_archive.hpp>
#include <boost/serialization/collection_size_type.hpp>
#include <boost/serialization/item_version_type.hpp>

#include <string>
#include <type_traits>

namespace ferry {

class tracking_oarchive;
class tracking_iarchive;

namespace detail {

/// What Ferry writes itself, within a tracked message: types with a reducer or entry, handles, and standard
/// types for which no Boost header is included. Pointers inside these are Ferry's, not tracked.
template <class T>
inline constexpr bool is_untracked = way_of<T> == way::handle || way_of<T> == way::run_time ||
                                     way_of<T> == way::reduced || std::is_same_v<T, std::string> ||
                                     (way_of<T> == way::standard && !has_free_serialize<T>);

}  // namespace detail

/// Writes a message that holds raw owning pointers, pointers to the same object and cycles of them, and
/// pointers to classes exported with BOOST_CLASS_EXPORT. Objects are tracked as in any Boost archive, which
/// takes about twenty times as long as `forking_oarchive`. Reducers and handles work in it. Not thread-safe.
class tracking_oarchive : public boost::archive::detail::common_oarchive<tracking_oarchive> {
 public:
  explicit tracking_oarchive(std::string_view type_name = {}, const archive_options& options = {})
      : inner_(type_name, options) {}
  /// The message with all that was written. @throws limit_exceeded
  message finish() { return inner_.finish(); }
  void save_binary(const void* bytes, std::size_t count) { inner_.save_binary(bytes, count); }

 private:
  friend class boost::archive::detail::interface_oarchive<tracking_oarchive>;
  friend class boost::archive::detail::common_oarchive<tracking_oarchive>;
  friend class boost::archive::save_access;
  using base = boost::archive::detail::common_oarchive<tracking_oarchive>;

  template <class T>
  void save_override(const T& value) {
    if constexpr (detail::is_untracked<T>) {
      detail::save(inner_, value);
    } else if constexpr (detail::way_of<T> == detail::way::aggregate) {
      boost::pfr::for_each_field(value, [&](const auto& field) { *this << field; });
    } else {
      base::save_override(value);
    }
  }
  void save_override(const boost::archive::class_id_optional_type&) {}
  void save_override(const boost::archive::class_name_type& name) {
    detail::save(inner_, std::string_view(static_cast<const char*>(name)));
  }
  template <class T>
  void save(const T& primitive) {
    inner_.write_block(&primitive, sizeof primitive);
  }

  forking_oarchive inner_;
};

/// Reads what `tracking_oarchive` wrote. The bounds of the message are checked, but classes are built and
/// pointers are followed as the message says: only for peers that are trusted. Not thread-safe.
class tracking_iarchive : public boost::archive::detail::common_iarchive<tracking_iarchive> {
 public:
  explicit tracking_iarchive(message from, const archive_options& options = {})
      : inner_(std::move(from), options) {}
  const std::string& type_name() const noexcept { return inner_.type_name(); }
  /// @throws archive_error  when bytes are left over
  void finish() const { inner_.finish(); }
  void load_binary(void* into, std::size_t count) { inner_.load_binary(into, count); }

 private:
  friend class boost::archive::detail::interface_iarchive<tracking_iarchive>;
  friend class boost::archive::detail::common_iarchive<tracking_iarchive>;
  friend class boost::archive::load_access;
  using base = boost::archive::detail::common_iarchive<tracking_iarchive>;

  template <class T>
  void load_override(T& value) {
    if constexpr (detail::is_untracked<std::remove_const_t<T>>) {
      detail::load(inner_, value);
    } else if constexpr (detail::way_of<T> == detail::way::aggregate) {
      boost::pfr::for_each_field(value, [&](auto& field) { *this >> field; });
    } else {
      base::load_override(value);
    }
  }
  void load_override(boost::archive::class_id_optional_type&) {}
  void load_override(boost::archive::class_name_type& name);
  void load_override(boost::serialization::collection_size_type& size) {
    load(size);
    inner_.check_count(std::as_const(size));
  }
  template <class T>
  void load(T& primitive) {
    inner_.read_block(static_cast<void*>(&primitive), sizeof primitive);
  }

  forking_iarchive inner_;
};

/// As `dumps`, with tracking. @throws what `dumps` throws, and boost::archive::archive_exception
template <class T>
message dumps_tracked(const T& value, const archive_options& options = {}) {
  tracking_oarchive archive(detail::wire_name_of(detail::identity_of<T>(), typeid(T), options), options);
  archive << value;
  return archive.finish();
}

/// As `loads`, of what `dumps_tracked` wrote, from a trusted peer; a raw pointer in the value is the caller's
/// to delete. @throws what `loads` throws, and boost::archive::archive_exception
template <class T>
T loads_tracked(message from, const archive_options& options = {}) {
  tracking_iarchive archive(std::move(from), options);
  if (archive.type_name() != detail::identity_of<T>().name) {
    throw type_mismatch(archive.type_name(), detail::identity_of<T>().name);
  }
  T value = T();
  archive >> value;
  archive.finish();
  return value;
}

}  // namespace ferry

BOOST_SERIALIZATION_REGISTER_ARCHIVE(ferry::tracking_oarchive)
BOOST_SERIALIZATION_REGISTER_ARCHIVE(ferry::tracking_iarchive)

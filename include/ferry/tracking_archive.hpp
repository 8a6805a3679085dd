// SPDX-License-Identifier: BSL-1.0
// Boost.Serialization's full machinery over Ferry's messages: raw pointers tracked, classes exported. Opt-in,
// for peers that are trusted.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/detail/archive/tracked.hpp>

#include <boost/archive/detail/common_iarchive.hpp>
#include <boost/archive/detail/common_oarchive.hpp>
#include <boost/archive/detail/register_archive.hpp>
#include <boost/serialization/collection_size_type.hpp>
#include <boost/serialization/item_version_type.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ferry {

class tracking_oarchive;
class tracking_iarchive;

/// Writes a message that holds raw owning pointers, pointers to the same object and cycles of them, and
/// pointers to classes exported with BOOST_CLASS_EXPORT. Objects are tracked as in any Boost archive, which
/// takes about twenty times as long as `forking_oarchive`. Reducers and handles work in it. Not thread-safe.
class tracking_oarchive : public boost::archive::detail::common_oarchive<tracking_oarchive> {
 public:
  explicit tracking_oarchive(std::string_view type_name = {}, const archive_options& options = {})
      : inner_(type_name, options) {}
  tracking_oarchive(const detail::type_label& holds, const archive_options& options)
      : inner_(holds, options) {}
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
    } else if constexpr (detail::is_without_header<T>) {
      detail::parts<T>::save(*this, value);
    } else if constexpr (detail::may_be_tracked<T>) {
      if constexpr (detail::may_lie_deep<T>) inner_.check_stack();
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
  /// Reads bytes that the archive does not own and that came without handles.
  explicit tracking_iarchive(std::span<const std::byte> from, const archive_options& options = {})
      : inner_(from, options) {}
  const std::string& type_name() const noexcept { return inner_.type_name(); }
  /// @throws archive_error  when bytes are left over
  void finish() const { inner_.finish(); }
  void load_binary(void* into, std::size_t count) { inner_.load_binary(into, count); }

  // For codecs.
  /// @throws type_mismatch  unless the message holds a T, under one of its names
  template <class T>
  void expect() const {
    detail::check_type_name(inner_, detail::identity_of<T>(), typeid(T));
  }
  template <class T>
  T make_untracked() {
    return detail::make<T>(inner_);
  }
  [[noreturn]] void fail_variant(std::size_t alternatives, std::uint64_t index) const;

 private:
  friend class boost::archive::detail::interface_iarchive<tracking_iarchive>;
  friend class boost::archive::detail::common_iarchive<tracking_iarchive>;
  friend class boost::archive::load_access;
  using base = boost::archive::detail::common_iarchive<tracking_iarchive>;

  template <class T>
  void load_override(T& value) {
    using object = std::remove_const_t<T>;
    if constexpr (std::is_const_v<T> && !detail::stands_for_another<object>()) {
      detail::refuse_const<object>();
    } else if constexpr (detail::is_untracked<object>) {
      detail::load(inner_, value);
    } else if constexpr (detail::is_without_header<object>) {
      detail::parts<object>::load(*this, value);
    } else if constexpr (!detail::may_be_tracked<object>) {
    } else if constexpr (std::is_class_v<object> && !detail::stands_for_another<object>()) {
      inner_.check_stack();
      const element_size_scope scope(element_size_, detail::element_size<object>());
      base::load_override(value);
    } else {
      if constexpr (detail::may_lie_deep<object>) inner_.check_stack();
      base::load_override(value);
    }
  }
  void load_override(boost::archive::class_id_optional_type&) {}
  void load_override(boost::archive::class_name_type& name);
  void load_override(boost::serialization::collection_size_type& size);
  template <class T>
  void load(T& primitive) {
    inner_.read_block(static_cast<void*>(&primitive), sizeof primitive);
  }

  /// While a class is read, says how large the elements are for which its loader makes room.
  class element_size_scope {
   public:
    element_size_scope(std::size_t& size, std::size_t now) : size_(size), before_(std::exchange(size, now)) {}
    ~element_size_scope() { size_ = before_; }
    element_size_scope(const element_size_scope&) = delete;
    element_size_scope& operator=(const element_size_scope&) = delete;

   private:
    std::size_t& size_;
    const std::size_t before_;
  };

  forking_iarchive inner_;
  std::size_t element_size_ = 0;  // 0: sizes of collections are no counts of elements
};

/// As `dumps`, with tracking. @throws what `dumps` throws, and boost::archive::archive_exception
template <class T>
message dumps_tracked(const T& value, const archive_options& options = {}) {
  const detail::type_identity& identity = detail::identity_of<T>();
  const std::string_view name = detail::wire_name_of(identity, typeid(T), options);
  tracking_oarchive archive(detail::type_label(name, identity.members), options);
  archive << value;
  return archive.finish();
}

namespace detail {

template <class T>
T load_whole_tracked(tracking_iarchive& archive) {
  archive.expect<T>();
  T value = T();
  archive >> value;
  archive.finish();
  return value;
}

}  // namespace detail

/// As `loads`, of what `dumps_tracked` wrote, from a trusted peer; a raw pointer in the value is the caller's
/// to delete. @throws what `loads` throws, and boost::archive::archive_exception
template <class T>
T loads_tracked(message from, const archive_options& options = {}) {
  tracking_iarchive archive(std::move(from), options);
  return detail::load_whole_tracked<T>(archive);
}
/// The same from bytes alone, which must stay in place until the call returns.
template <class T>
T loads_tracked(std::span<const std::byte> from, const archive_options& options = {}) {
  tracking_iarchive archive(from, options);
  return detail::load_whole_tracked<T>(archive);
}

/// The members of an aggregate, for Boost, which also makes those behind raw pointers.
template <class Archive, class T>
requires((std::is_same_v<Archive, tracking_oarchive> || std::is_same_v<Archive, tracking_iarchive>)&&  //
         detail::encoding_of<T> ==
         detail::encoding::aggregate) void serialize(Archive& archive, T& value, const unsigned) {
  detail::for_each_member(value, [&](auto& member) { archive& member; });
}

}  // namespace ferry

BOOST_SERIALIZATION_REGISTER_ARCHIVE(ferry::tracking_oarchive)
BOOST_SERIALIZATION_REGISTER_ARCHIVE(ferry::tracking_iarchive)

// SPDX-License-Identifier: BSL-1.0
// Classes that BOOST_CLASS_EXPORT names for the archives of Boost, named so for Ferry too.
//
// To be included, before or after, in each source that has BOOST_CLASS_EXPORT, BOOST_CLASS_EXPORT_GUID or
// BOOST_CLASS_EXPORT_IMPLEMENT: then the class is in `dispatch_table::global()` under its exported key, and
// crosses behind pointers to its bases, without `dispatch_table::add`. Opt-in, for the class must be one that
// crosses: one with raw pointers, exported for other archives, would not compile.
#pragma once

#include <ferry/archive.hpp>

#include <boost/archive/detail/register_archive.hpp>
#include <boost/serialization/export.hpp>
#include <boost/serialization/extended_type_info.hpp>

#include <memory>

namespace ferry::detail {

/// Puts the entry into the global table, unless that has one for the same type and name: a class may be
/// exported by several libraries of one program.
/// @throws name_error  when the name stands for another class, or the class has another name
void insert_exported(std::unique_ptr<const dispatch_entry> entry);

/// Made once for each class that is exported, before `main`.
template <class T>
struct exported_class {
  exported_class() {
    static_assert(check_crossing<T, going::out>());
    insert_exported(std::make_unique<naming_entry<T>>(boost::serialization::guid<T>()));
  }
  /// Names `instance`, so that it is made.
  static const exported_class& get() { return instance; }
  static const exported_class instance;
};
template <class T>
const exported_class<T> exported_class<T>::instance;

}  // namespace ferry::detail

// What Boost does for each exported class and each of its own archives, here for Ferry's. One of the two is
// enough: an entry writes and reads.
namespace boost::archive::detail {
template <class T>
struct export_impl<ferry::forking_oarchive, T> {
  static const ferry::detail::exported_class<T>& enable_save(mpl::true_) {
    return ferry::detail::exported_class<T>::get();
  }
  static void enable_load(mpl::false_) {}
};
}  // namespace boost::archive::detail

BOOST_SERIALIZATION_REGISTER_ARCHIVE(ferry::forking_oarchive)

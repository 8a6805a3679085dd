// SPDX-License-Identifier: BSL-1.0
// The smart pointers of Boost. Like those of the standard library, and without Boost's headers for their
// serialisation, which write raw pointers.
#pragma once

#include <ferry/detail/archive/codec_pointer.hpp>

#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace boost {
template <class T>
class shared_ptr;
template <class T>
class weak_ptr;
template <class T>
class scoped_ptr;
template <class T>
class intrusive_ptr;
}  // namespace boost

namespace ferry::detail {

/// All boost::shared_ptr to one object count together, whatever they point to of it.
template <class T>
boost::shared_ptr<T> boost_shared_from_slot(forking_iarchive& archive, std::size_t slot) {
  using owner = boost::shared_ptr<void>;
  std::shared_ptr<T> found = shared_from_slot<T>(archive, slot, shared_by::control_block);
  T* const object = found.get();
  std::shared_ptr<void>& kept = archive.shared(slot).boost_owner;
  boost::shared_ptr<T> pointer =
      kept != nullptr ? boost::shared_ptr<T>(*static_cast<owner*>(kept.get()), object)
                      : boost::shared_ptr<T>(object, [keep = std::move(found)](T*) mutable { keep.reset(); });
  if (kept == nullptr) {
    kept = std::make_shared<owner>(pointer);
  } else if constexpr (requires { object->_internal_accept_owner(&pointer, object); }) {
    object->_internal_accept_owner(&pointer, object);  // its class may show only now that it wants to know
  }
  return pointer;
}

template <class T>
inline constexpr refusal refusal_of_owner<boost::shared_ptr<T>> = refusal_of_owner<std::shared_ptr<T>>;
template <class T>
inline constexpr refusal refusal_of_owner<boost::weak_ptr<T>> = refusal_of_owner<std::shared_ptr<T>>;
template <class T>
inline constexpr refusal refusal_of_owner<boost::scoped_ptr<T>> = refusal_of_owner<std::unique_ptr<T>>;
template <class T>
inline constexpr refusal refusal_of_owner<boost::intrusive_ptr<T>> = refusal_of_owner<std::unique_ptr<T>>;

template <class T>
struct codec<boost::shared_ptr<T>> {
  using object = std::remove_const_t<T>;

  static void save(forking_oarchive& archive, const boost::shared_ptr<T>& pointer) {
    save_shared<object>(archive, pointer);
  }
  static void load(forking_iarchive& archive, boost::shared_ptr<T>& pointer) {
    pointer.reset();
    if (const std::size_t index = load_shared<object>(archive))
      pointer = boost_shared_from_slot<object>(archive, index - 1);
  }
};

template <class T>
struct codec<boost::weak_ptr<T>> {
  static void save(forking_oarchive& archive, const boost::weak_ptr<T>& pointer) {
    detail::save(archive, pointer.lock());
  }
  static void load(forking_iarchive& archive, boost::weak_ptr<T>& pointer) {
    pointer = make<boost::shared_ptr<T>>(archive);
  }
};

template <class T>
struct codec<boost::scoped_ptr<T>> {
  static void save(forking_oarchive& archive, const boost::scoped_ptr<T>& pointer) {
    save_number(archive, pointer.get() != nullptr);
    if (pointer.get() != nullptr) save_pointee<std::remove_const_t<T>>(archive, *pointer);
  }
  static void load(forking_iarchive& archive, boost::scoped_ptr<T>& pointer) {
    pointer.reset(make<std::unique_ptr<T>>(archive).release());
  }
};

/// Reads an object that counts the pointers to it itself into a shared slot.
template <class T>
class counted_slot_filler {
 public:
  counted_slot_filler(forking_iarchive& archive, std::size_t slot) : archive_(archive), slot_(slot) {}
  T& fresh() const {
    auto made = std::make_unique<T>();
    T& content = *made;
    (*this)(std::move(made));
    return content;
  }
  void operator()(std::unique_ptr<T> made) const {
    const boost::intrusive_ptr<T> counted(made.release());
    archive_.shared(slot_) = {std::shared_ptr<void>(counted.get(), [counted](void*) {}), &typeid(T),
                              &throw_as<T>, nullptr, shared_by::object};
  }

 private:
  forking_iarchive& archive_;
  const std::size_t slot_;
};

template <class T>
struct codec<boost::intrusive_ptr<T>> {
  using object = std::remove_const_t<T>;

  static void save(forking_oarchive& archive, const boost::intrusive_ptr<T>& pointer) {
    save_shared<object>(archive, pointer);
  }
  static void load(forking_iarchive& archive, boost::intrusive_ptr<T>& pointer) {
    pointer.reset();
    const auto load_new = [&](std::size_t slot) {
      const counted_slot_filler<object> filler(archive, slot);
      if (const dispatch_entry* const entry = pointee_entry<object>(archive)) {
        erased_object loaded = entry->load(archive);
        object* const converted = archive.upcast<object>(loaded.get(), entry->type(), entry->thrower());
        void* const whole = loaded.release();
        const boost::intrusive_ptr<object> counted(converted);
        archive.shared(slot) = {std::shared_ptr<void>(whole, [counted](void*) {}), &entry->type(),
                                entry->thrower(), nullptr, shared_by::object};
      } else if constexpr (!goes_by_name_alone<T>) {
        make_on_heap<object, written::behind_pointer>(archive, filler);
      }
    };
    if (const std::size_t index = load_shared<object>(archive, load_new))
      pointer = shared_from_slot<object>(archive, index - 1, shared_by::object).get();
  }
};

}  // namespace ferry::detail

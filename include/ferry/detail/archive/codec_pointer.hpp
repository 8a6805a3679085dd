// SPDX-License-Identifier: BSL-1.0
// Owning pointers: exclusive and shared, to objects of the type that the pointer says or of one derived from
// it.
#pragma once

#include <ferry/detail/archive/codec.hpp>
#include <ferry/detail/archive/codec_boost.hpp>

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace ferry::detail {

template <class T>
void throw_as(void* object) {
  throw static_cast<T*>(object);
}

/// The whole object of which a pointer to a base may show only a part.
template <class T>
const void* whole_object(const T* object) {
  if constexpr (std::is_polymorphic_v<T>) {
    return dynamic_cast<const void*>(object);
  } else {
    return object;
  }
}

/// True for a base class of which there is no object by itself, or none that can cross.
template <class T>
inline constexpr bool goes_by_name_alone = std::is_abstract_v<T> ||
                                           (std::is_polymorphic_v<T> && encoding_of<T> == encoding::none);

/// True of a class that has construct data only behind pointers.
template <class T>
inline constexpr bool is_constructed_behind_pointers =
    encoding_of<T> == encoding::boost&& has_construct_data<T> && !std::is_abstract_v<T> &&
    !needs_construct_data<T>;

/// Writes an object of exactly type T that a pointer points to.
template <class T>
void save_pointed(forking_oarchive& archive, const T& object) {
  if constexpr (is_constructed_behind_pointers<T>) {
    if (archive.override_mask() != 0 && save_overridden(archive, object)) return;
    save_boost<T, true>(archive, std::addressof(object), 1);
  } else {
    detail::save(archive, object);
  }
}

/// How an object was written that is made on the heap.
enum class written { as_value, behind_pointer };

template <class T, written As>
inline constexpr bool is_made_by_boost = encoding_of<T> == encoding::boost &&
                                         (!std::is_default_constructible_v<T> ||
                                          (As == written::behind_pointer &&
                                           is_constructed_behind_pointers<T>));

/// Makes an object on the heap, where it stays: it need be neither movable nor small. `own` makes one by its
/// default constructor (`fresh`), or takes it as a `std::unique_ptr<T>`; before its content is read where the
/// type allows that.
template <class T, written As, class Own>
void make_on_heap(forking_iarchive& archive, const Own& own) {
  if constexpr (may_be_overridden<T>) {
    if (archive.override_mask() != 0) {
      if (erased_object loaded = load_overridden<T>(archive))
        return own(std::unique_ptr<T>(static_cast<T*>(loaded.release())));
    }
  }
  if constexpr (is_made_by_boost<T, As>) {
    make_boost_on_heap<T>(archive, own);
  } else if constexpr (encoding_of<T> == encoding::run_time) {
    own(std::unique_ptr<T>(static_cast<T*>(load_run_time<T>(archive).release())));
  } else if constexpr (loads_in_place<T>) {
    load_by_encoding(archive, own.fresh());
  } else if constexpr (encoding_of<T> == encoding::number || encoding_of<T> == encoding::handle) {
    own(std::unique_ptr<T>(new T(make<T>(archive))));
  } else {
    own(std::unique_ptr<T>(new T(make_by_encoding<T>(archive))));
  }
}
template <class T>
struct sole_owner {
  std::unique_ptr<T>& object;

  T& fresh() const { return *(object = std::make_unique<T>()); }
  void operator()(std::unique_ptr<T> made) const { object = std::move(made); }
};
template <class T, written As>
std::unique_ptr<T> make_on_heap(forking_iarchive& archive) {
  std::unique_ptr<T> object;
  make_on_heap<T, As>(archive, sole_owner<T>{object});
  return object;
}

template <class T>
void save_pointee(forking_oarchive& archive, const T& object) {
  const nesting level(archive);
  archive.count_objects(1);
  if constexpr (std::is_polymorphic_v<T>) {
    if (typeid(object) != typeid(T) || goes_by_name_alone<T>) {
      include_own_types();
      const dispatch_entry& entry = archive.entry_for(typeid(object));
      archive.write_name(entry.label().text);
      entry.save(archive, whole_object(&object));
      return;
    }
    archive.write_no_name();
  }
  if constexpr (!goes_by_name_alone<T>) save_pointed(archive, object);
}

/// The entry for the object that a pointer to a T is to own; null if it is a T itself.
template <class T>
const dispatch_entry* pointee_entry(forking_iarchive& archive) {
  if constexpr (std::is_polymorphic_v<T>) {
    include_own_types();
    if (const std::string* const name = archive.read_optional_name()) return &archive.entry_named(*name);
    if constexpr (goes_by_name_alone<T>)
      archive.fail("a pointer to the base class " + identity_of<T>().name +
                   " does not say to what it points");
  }
  return nullptr;
}

template <class T>
struct codec<std::unique_ptr<T>> {
  static void save(forking_oarchive& archive, const std::unique_ptr<T>& pointer) {
    save_number(archive, pointer != nullptr);
    if (pointer) save_pointee<std::remove_const_t<T>>(archive, *pointer);
  }
  static void load(forking_iarchive& archive, std::unique_ptr<T>& pointer) {
    using object = std::remove_const_t<T>;
    pointer.reset();
    if (!make<bool>(archive)) return;
    const nesting level(archive);
    archive.count_objects(1);
    if (const dispatch_entry* const entry = pointee_entry<object>(archive)) {
      erased_object loaded = entry->load(archive);
      object* const converted = archive.upcast<object>(loaded.get(), entry->type(), entry->thrower());
      static_cast<void>(loaded.release());
      pointer.reset(converted);
    } else if constexpr (!goes_by_name_alone<T>) {
      pointer = make_on_heap<object, written::behind_pointer>(archive);
    }
  }
};

/// An object that lets go of what it points to, in case that points back.
template <class T>
void clear_object(void* object) {
  if constexpr (encoding_of<T> == encoding::aggregate && std::is_move_constructible_v<T>) {
    in_passing<T> empty([]() -> T { return T(); });
    replace<true>(*static_cast<T*>(object), empty.take());  // a member may want to be assigned its like alone
  } else if constexpr (std::is_move_assignable_v<T>) {
    in_passing<T> empty([]() -> T { return T(); });
    *static_cast<T*>(object) = empty.take();  // what counts the pointers to it goes on counting
  } else {
    [&]() noexcept {
      std::destroy_at(static_cast<T*>(object));
      ::new (object) T();
    }();
  }
}

/// Gives the slot an object whose content may still have to be read. One that could not be cleared when that
/// fails is put there only when it is whole: if it contained itself, it would stay for ever.
template <class T>
class slot_filler {
 public:
  slot_filler(forking_iarchive& archive, std::size_t slot) : archive_(archive), slot_(slot) {}
  T& fresh() const {
    auto object = std::make_shared<T>();
    T& content = *object;
    take(std::move(object));
    return content;
  }
  void operator()(std::unique_ptr<T> made) const { take(std::shared_ptr<T>(std::move(made))); }
  void finish() const {
    if (waiting_) fill(std::move(waiting_));
  }

 private:
  void take(std::shared_ptr<T> object) const {
    if constexpr (std::is_default_constructible_v<T>) {
      fill(std::move(object));
      archive_.shared(slot_).clear = &clear_object<T>;
    } else {
      waiting_ = std::move(object);
    }
  }
  void fill(std::shared_ptr<T> object) const {
    archive_.shared(slot_) = {std::move(object), &typeid(T), &throw_as<T>};
  }

  forking_iarchive& archive_;
  const std::size_t slot_;
  mutable std::shared_ptr<T> waiting_;
};

/// Reads an object of exactly type T into a shared slot; before its content where possible, so that the
/// content may point back to it.
template <class T>
void load_into_slot(forking_iarchive& archive, std::size_t slot) {
  const slot_filler<T> filler(archive, slot);
  make_on_heap<T, written::behind_pointer>(archive, filler);
  filler.finish();
}

template <class T>
std::shared_ptr<T> shared_from_slot(forking_iarchive& archive, std::size_t slot, shared_by counted) {
  // A copy: converting may read nothing further of the message, but what it throws may be caught above.
  const shared_slot found = archive.shared(slot);
  if (!found.object) archive.fail("a shared object contains itself and cannot be built before its own parts");
  if (found.counted != counted) {
    archive.fail(
        "a shared object counts the pointers to it itself, for boost::intrusive_ptr, and is pointed to by "
        "one "
        "that counts elsewhere, or the other way round");
  }
  return std::shared_ptr<T>(found.object,
                            archive.upcast<T>(found.object.get(), *found.type, found.throw_pointer));
}

template <class T>
const std::shared_ptr<T>& owning(const std::shared_ptr<T>& pointer) {
  return pointer;
}
/// Owns what a pointer of another kind does.
template <class Pointer>
auto owning(const Pointer& pointer) {
  return std::shared_ptr<const void>(pointer.get(), [keep = pointer](const void*) {});
}

/// Writes what pointers share: once, and the index of that afterwards.
template <class Object, class Pointer>
void save_shared(forking_oarchive& archive, const Pointer& pointer) {
  if (!pointer) {
    archive.write_size(0);
    return;
  }
  const auto [index, is_new] = archive.share(
      std::shared_ptr<const void>(owning(pointer), whole_object<Object>(pointer.get())), typeid(*pointer));
  archive.write_size(index);
  if (is_new) save_pointee<Object>(archive, *pointer);
}

/// Reads the index of a shared object, and by `load_new` the object into its slot if the message has it here.
/// @returns the index, from 1; 0 for none
template <class Object, class LoadNew>
std::size_t load_shared(forking_iarchive& archive, const LoadNew& load_new) {
  const std::uint64_t index = archive.read_size();
  if (index > archive.shared_count() + 1) {
    archive.fail("shared object " + std::to_string(index) +
                 " is used before it is written; so far there are " + std::to_string(archive.shared_count()));
  }
  if (index == archive.shared_count() + 1) {
    const nesting level(archive);
    archive.count_objects(1);
    load_new(archive.add_shared());
  }
  return static_cast<std::size_t>(index);
}
template <class Object>
std::size_t load_shared(forking_iarchive& archive) {
  return load_shared<Object>(archive, [&](std::size_t slot) {
    if (const dispatch_entry* const entry = pointee_entry<Object>(archive)) {
      entry->load_shared(archive, slot);
    } else if constexpr (!goes_by_name_alone<Object>) {
      load_into_slot<Object>(archive, slot);
    }
  });
}

template <class T>
struct codec<std::shared_ptr<T>> {
  using object = std::remove_const_t<T>;

  static void save(forking_oarchive& archive, const std::shared_ptr<T>& pointer) {
    save_shared<object>(archive, pointer);
  }
  static void load(forking_iarchive& archive, std::shared_ptr<T>& pointer) {
    pointer.reset();
    if (const std::size_t index = load_shared<object>(archive))
      pointer = shared_from_slot<object>(archive, index - 1, shared_by::control_block);
  }
};

/// Keeps the identity of what it points to; alive afterwards only if a shared_ptr of the message owns it too.
template <class T>
struct codec<std::weak_ptr<T>> {
  static void save(forking_oarchive& archive, const std::weak_ptr<T>& pointer) {
    detail::save(archive, pointer.lock());
  }
  static void load(forking_iarchive& archive, std::weak_ptr<T>& pointer) {
    pointer = make<std::shared_ptr<T>>(archive);
  }
};

}  // namespace ferry::detail

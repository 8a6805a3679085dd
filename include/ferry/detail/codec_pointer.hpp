// Owning pointers: exclusive and shared, to objects of the type that the pointer says or of one derived from
// it.
#pragma once

#include <ferry/detail/codec.hpp>

#include <memory>
#include <type_traits>

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
                                           (std::is_polymorphic_v<T> && way_of<T> == way::none);

template <class T>
void save_pointee(forking_oarchive& archive, const T& object) {
  const nesting level(archive);
  archive.count_objects(1);
  if constexpr (std::is_polymorphic_v<T>) {
    if (typeid(object) != typeid(T) || goes_by_name_alone<T>) {
      const dispatch_entry& entry = archive.entry_for(typeid(object));
      archive.write_name(entry.name());
      entry.save(archive, whole_object(&object));
      return;
    }
    archive.write_no_name();
  }
  if constexpr (!goes_by_name_alone<T>) detail::save(archive, object);
}

/// The entry for the object that a pointer to a T is to own; null if it is a T itself.
template <class T>
const dispatch_entry* pointee_entry(forking_iarchive& archive) {
  if constexpr (std::is_polymorphic_v<T>) {
    if (const std::string* const name = archive.read_optional_name()) return &archive.entry_named(*name);
    if constexpr (goes_by_name_alone<T>)
      archive.fail("a pointer to the base class " + identity_of<T>().name +
                   " does not say to what it points");
  }
  return nullptr;
}

template <class T>
struct codec<std::unique_ptr<T>> {
  static_assert(
      !std::is_array_v<T>,
      "ferry: a std::unique_ptr to an array does not know how many elements it owns: use std::vector");
  static_assert(
      !std::is_polymorphic_v<T> || std::has_virtual_destructor_v<T>,
      "ferry: a std::unique_ptr to a polymorphic class without a virtual destructor cannot delete what "
      "it may have received: give the class one");

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
    } else if constexpr (loads_in_place<object>) {  // on the heap: large objects inside one another are many
      auto fresh = std::make_unique<object>();
      detail::load(archive, *fresh);
      pointer = std::move(fresh);
    } else if constexpr (!goes_by_name_alone<T>) {
      pointer.reset(new object(make<object>(archive)));
    }
  }
};

template <class T>
void clear_object(void* object) {
  if constexpr (std::is_move_assignable_v<T>) *static_cast<T*>(object) = T();
}

/// Reads an object of exactly type T into a shared slot; before its content where possible, so that the
/// content may point back to it.
template <class T>
void load_into_slot(forking_iarchive& archive, std::size_t slot) {
  const auto settle = [&](std::shared_ptr<T> object) {
    archive.shared(slot) = {std::move(object), &typeid(T), &throw_as<T>};
  };
  if constexpr (loads_in_place<T>) {
    erased_object overridden(nullptr, [](void*) {});
    if (may_be_overridden<T> && archive.override_mask() != 0) overridden = load_overridden<T>(archive);
    if (overridden) {
      settle(std::shared_ptr<T>(static_cast<T*>(overridden.release())));
    } else {
      auto object = std::make_shared<T>();
      settle(object);
      archive.shared(slot).clear = &clear_object<T>;
      load_own_way(archive, *object);
    }
  } else {
    settle(std::make_shared<T>(make<T>(archive)));
  }
}

template <class T>
std::shared_ptr<T> shared_from_slot(forking_iarchive& archive, std::size_t slot) {
  // A copy: converting may read no more of the message, but what it throws may be caught above.
  const shared_slot found = archive.shared(slot);
  if (!found.object) archive.fail("a shared object contains itself and cannot be built before its own parts");
  return std::shared_ptr<T>(found.object,
                            archive.upcast<T>(found.object.get(), *found.type, found.throw_pointer));
}

template <class T>
struct codec<std::shared_ptr<T>> {
  static_assert(!std::is_array_v<T> && !std::is_void_v<T>,
                "ferry: a std::shared_ptr to an array or to void does not know what it owns: use a container "
                "or a class");
  using object = std::remove_const_t<T>;

  static void save(forking_oarchive& archive, const std::shared_ptr<T>& pointer) {
    if (!pointer) {
      archive.write_size(0);
      return;
    }
    const auto [index, is_new] = archive.share(
        std::shared_ptr<const void>(pointer, whole_object<object>(pointer.get())), typeid(*pointer));
    archive.write_size(index);
    if (is_new) save_pointee<object>(archive, *pointer);
  }
  static void load(forking_iarchive& archive, std::shared_ptr<T>& pointer) {
    pointer.reset();
    const std::uint64_t index = archive.read_size();
    if (index == 0) return;
    if (index > archive.shared_count() + 1) {
      archive.fail("shared object " + std::to_string(index) +
                   " is used before it is written; so far there are " +
                   std::to_string(archive.shared_count()));
    }
    const std::size_t slot = static_cast<std::size_t>(index) - 1;
    if (slot == archive.shared_count()) {
      const nesting level(archive);
      archive.count_objects(1);
      archive.add_shared();
      if (const dispatch_entry* const entry = pointee_entry<object>(archive)) {
        entry->load_shared(archive, slot);
      } else if constexpr (!goes_by_name_alone<T>) {
        load_into_slot<object>(archive, slot);
      }
    }
    pointer = shared_from_slot<object>(archive, slot);
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

// SPDX-License-Identifier: BSL-1.0
// The reducer of boost::multi_array, which crosses as its extents, its index bases and its elements, row by
// row, however it stores them; it arrives in the usual order of storage. Not part of <ferry/ferry.hpp>:
// include it where such arrays cross.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/detail/archive/type_name.hpp>

#include <boost/array.hpp>
#include <boost/multi_array.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace ferry {

template <class T, std::size_t Dimensions, class Allocator>
struct reducer<boost::multi_array<T, Dimensions, Allocator>> {
  using multi_array = boost::multi_array<T, Dimensions, Allocator>;
  using extents = std::array<std::uint64_t, Dimensions>;
  using bases = std::array<std::int64_t, Dimensions>;

  /// Put together when it is first asked for.
  struct own_name {
    operator std::string_view() const {  // NOLINT(google-explicit-constructor)
      static const std::string text =
          "boost.multi_array<" + detail::type_name_of<T>() + ',' + std::to_string(Dimensions) + '>';
      return text;
    }
  };
  static constexpr own_name name{};

  static std::tuple<extents, bases, std::vector<T>> reduce(const multi_array& array) {
    extents sizes{};
    bases first{};
    std::vector<T> elements;
    elements.reserve(array.num_elements());
    for (std::size_t i = 0; i != Dimensions; ++i) {
      sizes[i] = array.shape()[i];
      first[i] = array.index_bases()[i];
    }
    if (array.num_elements() != 0) append_rows(elements, array, array.origin(), 0);
    return {sizes, first, std::move(elements)};
  }

  static multi_array rebuild(const extents& sizes, const bases& first, std::vector<T>&& elements) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max());
    // What the strides are multiplied from: an extent of zero makes an array empty, but no stride zero.
    std::uint64_t product = sizeof(T);
    bool is_empty = false;
    boost::array<std::size_t, Dimensions> shape;
    for (std::size_t i = 0; i != Dimensions; ++i) {
      if (sizes[i] > most / product) throw archive_error("the extents of a boost::multi_array are too large");
      is_empty = is_empty || sizes[i] == 0;
      if (sizes[i] != 0) product *= sizes[i];
      shape[i] = static_cast<std::size_t>(sizes[i]);
    }
    if (elements.size() != (is_empty ? 0 : product / sizeof(T)))
      throw archive_error("a boost::multi_array has another number of elements than its extents say");
    const auto farthest = static_cast<std::int64_t>(most / Dimensions / product);
    boost::array<typename multi_array::index, Dimensions> reindexed;
    for (std::size_t i = 0; i != Dimensions; ++i) {
      if (first[i] > farthest || first[i] < -farthest)
        throw archive_error("an index base of a boost::multi_array is out of range");
      reindexed[i] = static_cast<typename multi_array::index>(first[i]);
    }
    multi_array array(shape);
    std::size_t at = 0;
    for (auto&& element : elements) array.data()[at++] = std::forward<decltype(element)>(element);
    array.reindex(reindexed);
    return array;
  }

 private:
  /// @param origin  of the element whose further indices are zero
  static void append_rows(std::vector<T>& elements, const multi_array& array, const T* origin,
                          std::size_t dimension) {
    const auto first = array.index_bases()[dimension];
    const auto end = first + static_cast<typename multi_array::index>(array.shape()[dimension]);
    for (auto i = first; i != end; ++i) {
      const T* const at = origin + i * array.strides()[dimension];
      if (dimension + 1 == Dimensions) {
        elements.push_back(*at);
      } else {
        append_rows(elements, array, at, dimension + 1);
      }
    }
  }
};

}  // namespace ferry

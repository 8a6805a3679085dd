// SPDX-License-Identifier: BSL-1.0
// Reducers of Eigen's matrices, vectors and arrays, of fixed and of dynamic size: they cross as their size
// and their coefficients. Not part of <ferry/ferry.hpp>: include it where they cross. It needs Eigen 3, Ferry
// does not.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/detail/archive/type_name.hpp>

#if __has_include(<Eigen/Core>)
#  include <Eigen/Core>
#elif __has_include(<eigen3/Eigen/Core>)  // where distributions put it
#  include <eigen3/Eigen/Core>
#else
#  error "ferry: <ferry/reducers/eigen.hpp> needs the headers of Eigen 3 where the compiler finds them"
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace ferry {

namespace detail {

struct eigen_matrix_name {
  static constexpr std::string_view text = "eigen.matrix";
};
struct eigen_array_name {
  static constexpr std::string_view text = "eigen.array";
};

/// Of Eigen::Matrix and Eigen::Array.
template <class Kind, class Plain>
struct eigen_reducer {
  using scalar = typename Plain::Scalar;
  static constexpr int rows_fixed = Plain::RowsAtCompileTime, columns_fixed = Plain::ColsAtCompileTime;

  /// Put together when it is first asked for.
  struct own_name {
    operator std::string_view() const {  // NOLINT(google-explicit-constructor)
      static const std::string text = [] {
        std::string made = std::string(Kind::text) + '<' + type_name_of<scalar>();
        for (const int fixed : {rows_fixed, columns_fixed})
          made += ',' + (fixed == Eigen::Dynamic ? "x" : std::to_string(fixed));
        if (Plain::IsRowMajor && !Plain::IsVectorAtCompileTime) made += ",rows";
        return made + '>';
      }();
      return text;
    }
  };
  static constexpr own_name name{};

  static std::tuple<std::int64_t, std::int64_t, std::span<const scalar>> reduce(const Plain& plain) {
    return {plain.rows(), plain.cols(), {plain.data(), static_cast<std::size_t>(plain.size())}};
  }
  static Plain rebuild(std::int64_t rows, std::int64_t columns, const std::vector<scalar>& coefficients) {
    const auto fits = [](std::int64_t size, int fixed, int most) {
      return size >= 0 && (fixed == Eigen::Dynamic || size == fixed) &&
             (most == Eigen::Dynamic || size <= most);
    };
    const auto count = static_cast<std::int64_t>(coefficients.size());
    if (!fits(rows, rows_fixed, Plain::MaxRowsAtCompileTime) ||
        !fits(columns, columns_fixed, Plain::MaxColsAtCompileTime) ||
        (rows == 0 || columns == 0 ? count != 0 : count % rows != 0 || count / rows != columns))
      throw archive_error(
          "a matrix has another number of coefficients than its size says, or a size that its "
          "type cannot have");
    Plain plain;
    plain.resize(static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns));
    std::copy(coefficients.begin(), coefficients.end(), plain.data());
    return plain;
  }
};

}  // namespace detail

template <class Scalar, int Rows, int Columns, int Options, int MaxRows, int MaxColumns>
struct reducer<Eigen::Matrix<Scalar, Rows, Columns, Options, MaxRows, MaxColumns>>
    : detail::eigen_reducer<detail::eigen_matrix_name,
                            Eigen::Matrix<Scalar, Rows, Columns, Options, MaxRows, MaxColumns>> {};

template <class Scalar, int Rows, int Columns, int Options, int MaxRows, int MaxColumns>
struct reducer<Eigen::Array<Scalar, Rows, Columns, Options, MaxRows, MaxColumns>>
    : detail::eigen_reducer<detail::eigen_array_name,
                            Eigen::Array<Scalar, Rows, Columns, Options, MaxRows, MaxColumns>> {};

}  // namespace ferry

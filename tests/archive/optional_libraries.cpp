// SPDX-License-Identifier: BSL-1.0
// Types of other libraries, by the headers in include/ferry/reducers: those of libraries that are there.
#include <ferry/reducers/multi_array.hpp>

#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>

#if __has_include(<Eigen/Core>) || __has_include(<eigen3/Eigen/Core>)
#  include <ferry/reducers/eigen.hpp>
#endif

using namespace ferry;
using namespace ferry::test;

namespace {

using plane = boost::multi_array<double, 2>;
plane counted(std::size_t rows, std::size_t columns) {
  plane made(boost::extents[static_cast<plane::index>(rows)][static_cast<plane::index>(columns)]);
  for (std::size_t i = 0; i != made.num_elements(); ++i) made.data()[i] = static_cast<double>(i);
  return made;
}
struct holds_plane {
  int id = 0;
  plane grid;
};
struct serialized_plane {
  plane grid;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& grid;
  }
};
/// As Boost says of its uuid from 1.86 on: no aggregate, and a primitive without a serialize.
class token {
 public:
  token() = default;
  explicit token(std::uint64_t bits) : bits_(bits) {}
  friend bool operator==(const token&, const token&) = default;

 private:
  std::uint64_t bits_ = 0;
};

}  // namespace

BOOST_CLASS_IMPLEMENTATION(token, boost::serialization::primitive_type)

BOOST_AUTO_TEST_SUITE(optional_libraries)

BOOST_AUTO_TEST_CASE(a_multi_array_with_other_elements_than_its_extents_say_is_refused) {
  using arguments =
      std::tuple<std::array<std::uint64_t, 2>, std::array<std::int64_t, 2>, std::vector<double>>;
  const auto rebuilt = [](const arguments& from) {
    std::apply([](auto sizes, auto bases,
                  auto elements) { reducer<plane>::rebuild(sizes, bases, std::move(elements)); },
               from);
  };
  CHECK_THROWS_SAYING(archive_error, "another number of elements", rebuilt({{2, 2}, {0, 0}, {1, 2, 3}}));
  CHECK_THROWS_SAYING(archive_error, "another number of elements", rebuilt({{0, 5}, {0, 0}, {1}}));
  CHECK_THROWS_SAYING(archive_error, "too large",
                      rebuilt({{std::uint64_t{1} << 40, std::uint64_t{1} << 40}, {0, 0}, {}}));
  CHECK_THROWS_SAYING(archive_error, "too large", rebuilt({{0, ~std::uint64_t{0}}, {0, 0}, {}}));
  CHECK_THROWS_SAYING(archive_error, "index base", rebuilt({{1, 1}, {std::int64_t{1} << 62, 0}, {1}}));
}

BOOST_AUTO_TEST_CASE(a_multi_array_crosses_alone_and_in_whatever_holds_it) {
  const plane sent = counted(2, 3);
  BOOST_CHECK(crosses(sent));
  BOOST_CHECK(crosses(plane()));
  BOOST_CHECK(crosses(boost::multi_array<std::string, 1>(boost::extents[2])));
  BOOST_CHECK((crosses(std::tuple<int, plane>(1, sent))));
  BOOST_CHECK((crosses(std::variant<int, plane>(sent))));
  BOOST_CHECK((crosses(std::pair<int, plane>(1, sent))));
  BOOST_CHECK((crosses(std::array<plane, 2>{sent, counted(1, 1)})));
  BOOST_CHECK(crosses(std::vector<plane>{sent, counted(4, 1)}));
  BOOST_CHECK(crossed(holds_plane{1, sent}).grid == sent);
  BOOST_CHECK(crossed(std::make_shared<holds_plane>(holds_plane{1, sent}))->grid == sent);
  BOOST_CHECK(crossed(serialized_plane{sent}).grid == sent);
  holds_plane there{2, counted(5, 5)};
  loads_into(there, dumps(holds_plane{1, sent}));
  BOOST_CHECK(there.grid == sent);
}

BOOST_AUTO_TEST_CASE(a_multi_array_keeps_its_indices_and_not_its_order_of_storage) {
  plane turned(boost::extents[2][3], boost::fortran_storage_order());
  for (plane::index i = 0; i != 2; ++i)
    for (plane::index j = 0; j != 3; ++j) turned[i][j] = static_cast<double>(10 * i + j);
  turned.reindex(-1);
  const plane arrived = crossed(turned);
  BOOST_TEST(arrived.index_bases()[0] == -1);
  BOOST_TEST(arrived[0][1] == 12);
  BOOST_CHECK(arrived == turned);
}

BOOST_AUTO_TEST_CASE(a_type_declared_a_primitive_crosses_as_its_bytes) {
  const boost::uuids::uuid id = boost::uuids::random_generator()();
  BOOST_CHECK(crosses(id));
  BOOST_CHECK(crosses(std::vector(3, id)));
  BOOST_CHECK(crosses(token(5)));
  BOOST_CHECK((crosses(std::vector<token>{token(1), token(2)})));
  BOOST_CHECK_THROW(loads<token>(with_body(token(5), {1, 2, 3})), archive_error);
}

#ifdef EIGEN_CORE_H
BOOST_AUTO_TEST_CASE(a_matrix_with_other_coefficients_than_its_size_says_is_refused) {
  using matrix = Eigen::MatrixXd;
  BOOST_CHECK_THROW(reducer<matrix>::rebuild(2, 2, {1, 2, 3}), archive_error);
  BOOST_CHECK_THROW(reducer<matrix>::rebuild(-1, -3, {1, 2, 3}), archive_error);
  BOOST_CHECK_THROW(reducer<matrix>::rebuild(0, 2, {1}), archive_error);
  BOOST_CHECK_THROW(reducer<Eigen::Vector3d>::rebuild(2, 1, {1, 2}), archive_error);
}

BOOST_AUTO_TEST_CASE(matrices_vectors_and_arrays_cross) {
  const Eigen::MatrixXd matrix = Eigen::MatrixXd::Random(3, 5);
  BOOST_CHECK(crosses(matrix));
  BOOST_CHECK(crosses(Eigen::MatrixXd()));
  BOOST_CHECK(crosses(Eigen::Matrix4f(Eigen::Matrix4f::Random())));
  BOOST_CHECK(crosses(Eigen::Vector3d(1, 2, 3)));
  BOOST_CHECK(crosses(Eigen::VectorXi(Eigen::VectorXi::LinSpaced(7, 0, 6))));
  BOOST_CHECK((crosses(Eigen::Matrix<double, Eigen::Dynamic, 3, Eigen::RowMajor>(
      Eigen::Matrix<double, Eigen::Dynamic, 3, Eigen::RowMajor>::Random(2, 3)))));
  BOOST_CHECK((crossed(Eigen::ArrayXd(Eigen::ArrayXd::Ones(4))) == 1).all());
  BOOST_CHECK((crosses(std::tuple<int, Eigen::MatrixXd>(1, matrix))));
  BOOST_CHECK(crosses(std::vector<Eigen::MatrixXd>{matrix, Eigen::MatrixXd::Identity(2, 2)}));
}
#endif

BOOST_AUTO_TEST_SUITE_END()

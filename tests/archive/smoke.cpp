#include <ferry/archive.hpp>
#include <ferry/error.hpp>

#include <boost/serialization/map.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <complex>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <list>
#include <map>
#include <queue>
#include <set>
#include <stack>
#include <unordered_map>
namespace t {
struct plain {
  int a;
  double b;
  std::string c;
  std::vector<int> d;
};
struct vec3 {
  float x, y, z;
};
struct nested {
  plain p;
  std::map<std::string, vec3> m;
  std::optional<plain> o;
};
class priv {
  friend class boost::serialization::access;
  int x_ = 3;
  template <class A>
  void serialize(A& ar, unsigned) {
    ar& x_;
  }

 public:
  int x() const { return x_; }
  void set(int v) { x_ = v; }
};
struct freed {
  int v = 0;
  virtual ~freed() = default;
};
template <class A>
void serialize(A& ar, freed& f, unsigned) {
  ar& f.v;
}
struct shape {
  virtual ~shape() = default;
  virtual int k() const = 0;
};
struct other {
  virtual ~other() = default;
  int o = 1;
};
struct circle : other, shape {
  int r = 0;
  int k() const override { return r; }
  template <class A>
  void serialize(A& ar, unsigned) {
    ar& r;
  }
};
struct node {
  int v = 0;
  std::shared_ptr<node> next;
  std::weak_ptr<node> back;
  template <class A>
  void serialize(A& ar, unsigned) {
    ar& v& next& back;
  }
};
}  // namespace t
using namespace ferry;
BOOST_AUTO_TEST_CASE(smoke) {
  static_assert(detail::way_of<t::plain> == detail::way::aggregate);
  static_assert(detail::is_bitwise<t::vec3>);
  static_assert(detail::way_of<t::priv> == detail::way::boost);
  static_assert(detail::way_of<t::freed> == detail::way::boost);
  t::nested n{{1, 2.5, "x", {1, 2, 3}}, {{"k", {1, 2, 3}}}, t::plain{4, 5, "y", {}}};
  auto m = loads<t::nested>(dumps(n));
  BOOST_TEST(m.p.c == "x");
  BOOST_TEST(m.m.at("k").z == 3);
  BOOST_TEST(m.o->a == 4);
  t::priv p;
  p.set(9);
  BOOST_TEST(loads<t::priv>(dumps(p)).x() == 9);
  t::freed f;
  f.v = 7;
  BOOST_TEST(loads<t::freed>(dumps(f)).v == 7);
  dispatch_table::global().add<t::circle>("circle");
  std::vector<std::unique_ptr<t::shape>> shapes;
  auto c = std::make_unique<t::circle>();
  c->r = 5;
  shapes.push_back(std::move(c));
  BOOST_TEST(loads<std::vector<std::unique_ptr<t::shape>>>(dumps(shapes))[0]->k() == 5);
  auto a = std::make_shared<t::node>();
  a->v = 1;
  a->next = std::make_shared<t::node>();
  a->next->next = a;
  a->next->back = a;
  auto b = loads<std::shared_ptr<t::node>>(dumps(a));
  BOOST_TEST(b->next->next == b);
  BOOST_TEST(b->next->back.lock() == b);
  a->next->next.reset();
  b->next->next.reset();
  BOOST_CHECK_THROW(loads<int>(dumps(1.5)), type_mismatch);
  BOOST_TEST(loads<std::string>(dumps("hello")) == "hello");
  loads<std::tuple<std::list<int>, std::forward_list<int>, std::unordered_map<int, std::string>,
                   std::set<int>, std::deque<bool>, std::priority_queue<int>, std::stack<int>>>(
      dumps(std::tuple<std::list<int>, std::forward_list<int>, std::unordered_map<int, std::string>,
                       std::set<int>, std::deque<bool>, std::priority_queue<int>, std::stack<int>>{
          {1}, {2}, {{1, "a"}}, {3}, {true}, {}, {}}));
  BOOST_CHECK(loads<std::complex<double>>(dumps(std::complex<double>(1, 2))) == std::complex<double>(1, 2));
  BOOST_CHECK(loads<std::filesystem::path>(dumps(std::filesystem::path("/a"))) == "/a");
  BOOST_CHECK(loads<std::chrono::seconds>(dumps(std::chrono::seconds(2))) == std::chrono::seconds(2));
  auto now = std::chrono::system_clock::now();
  BOOST_CHECK(loads<decltype(now)>(dumps(now)) == now);
  auto e = loads<std::exception_ptr>(dumps(std::make_exception_ptr(std::runtime_error("boo"))));
  BOOST_CHECK_THROW(std::rethrow_exception(e), std::runtime_error);
  std::vector<double> big(1000, 1.5);
  BOOST_CHECK(loads<std::vector<double>>(dumps(big)) == big);
  std::variant<int, std::string> v = "s";
  BOOST_CHECK((loads<std::variant<int, std::string>>(dumps(v)) == v));
  BOOST_TEST(detail::identity_of<decltype(n.m)>().name == "std::map<string,t::vec3>");
}

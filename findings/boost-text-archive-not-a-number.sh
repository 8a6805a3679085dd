#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# Boost.Serialization: a text archive writes an infinity that it cannot read
#
# Guess:        what an archive has written without complaint, the archive of the
#               same kind reads, for every value of a type it knows; a double is
#               written with all its digits, down to the denormals, and
#               infinities and NaN have a spelling that strtod() takes.
# What happens: text_oarchive and xml_oarchive write them as "inf" and "nan", and
#               the reader throws input_stream_error at that place, so all that
#               comes after it is lost too. The writer uses operator<< of
#               streams, which has these words, and the reader operator>>, which
#               has not. The binary archive carries them.
# Seen with:    Boost 1.81.0 (libboost-serialization1.81-dev 1.81.0-5+deb12u1)
# Source:       boost/archive/basic_text_oprimitive.hpp and
#               basic_text_iprimitive.hpp; [facet.num.get.virtuals] in the C++
#               standard; Boost.Math's non-finite facets are the documented way out
#
# usage: boost-text-archive-not-a-number.sh     needs apt-get, dpkg and g++
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

pin=1.81.0-5+deb12u1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for tool in apt-get dpkg g++; do
  command -v "$tool" >/dev/null || { echo "$tool is not here" >&2; exit 2; }
done

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "libboost1.81-dev=$pin" \
  "libboost-serialization1.81-dev=$pin" ||
  { echo "the package sources do not have libboost1.81-dev $pin" >&2; exit 2; }
for package in ./*.deb; do dpkg -x "$package" root; done
library=$(echo root/usr/lib/*/libboost_serialization.a)

cat >probe.cpp <<'CPP'
#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <boost/archive/xml_iarchive.hpp>
#include <boost/archive/xml_oarchive.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/version.hpp>
#include <cmath>
#include <iostream>
#include <limits>
#include <sstream>

template <class Out, class In> bool carries(const char* kind, double value) {
  std::stringstream stream;
  std::cout << kind << ", " << value << ": ";
  {
    Out out(stream);
    out << boost::serialization::make_nvp("value", value);
  }
  try {
    In in(stream);
    double back = 0;
    in >> boost::serialization::make_nvp("value", back);
    const bool same = back == value || (std::isnan(back) && std::isnan(value));
    std::cout << "written, read " << (same ? "back" : "as something else") << '\n';
    return same;
  } catch (const boost::archive::archive_exception& e) {
    std::cout << "written, not read: " << e.what() << '\n';
    return false;
  }
}

int main() {
  using namespace boost::archive;
  using limits = std::numeric_limits<double>;
  std::cout << "Boost " << BOOST_LIB_VERSION << '\n';
  bool same = true;
  same &= carries<text_oarchive, text_iarchive>("text", limits::denorm_min());
  for (const double value : {limits::infinity(), limits::quiet_NaN()}) {
    same &= !carries<text_oarchive, text_iarchive>("text", value);
    same &= !carries<xml_oarchive, xml_iarchive>("XML", value);
    same &= carries<binary_oarchive, binary_iarchive>("binary", value);
  }
  return same ? 0 : 1;
}
CPP
g++ -std=c++17 -O0 -isystem root/usr/include probe.cpp "$library" -o probe

if ./probe; then
  echo "as described: written in text and XML, and not to be read again"
else
  echo "changed: the archives no longer do what the head of this file says"
  exit 1
fi

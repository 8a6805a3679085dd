# SPDX-License-Identifier: BSL-1.0
"""What Ferry costs a program that uses it: seconds of compilation, size of a program, size of the library.

usage: size.py BUILD    BUILD holds libferry.a of a release build; prints rows as bench/support/report.hpp does

The program of one type is the same for Ferry, Boost.Serialization and cereal: a type with a `serialize`
function is turned into bytes and back.
"""

import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

TYPE = """
#include <string>
#include <vector>

struct reading {{
  int sensor = 1;
  std::string place = "roof";
  std::vector<double> values{{1, 2, 3}};
  template <class Archive>
  void serialize(Archive& archive{version}) {{
    {members}
  }}
}};
"""
BOOST_TYPE = TYPE.format(version=", unsigned", members="archive & sensor & place & values;")
CEREAL_TYPE = TYPE.format(version="", members="archive(sensor, place, values);")

FERRY = """
#include <{header}>
{type}
int main() {{
  const auto back = ferry::loads<reading>(ferry::dumps(reading()));
  return back.sensor == 1 ? 0 : 1;
}}
"""


def including(*headers):
    return "\n".join(f"#include <{header}>" for header in headers)


BOOST = """
{headers}
{type}
int main() {{
  std::stringstream stream;
  const reading value;
  reading back;
  boost::archive::binary_oarchive(stream) << value;
  boost::archive::binary_iarchive(stream) >> back;
  return back.sensor == 1 ? 0 : 1;
}}
""".format(
    headers=including(
        "sstream",
        "boost/archive/binary_iarchive.hpp",
        "boost/archive/binary_oarchive.hpp",
        "boost/serialization/string.hpp",
        "boost/serialization/vector.hpp",
    ),
    type=BOOST_TYPE,
)

CEREAL = """
{headers}
{type}
int main() {{
  std::stringstream stream;
  const reading value;
  reading back;
  cereal::BinaryOutputArchive{{stream}}(value);
  cereal::BinaryInputArchive{{stream}}(back);
  return back.sensor == 1 ? 0 : 1;
}}
""".format(
    headers=including("sstream", "cereal/archives/binary.hpp", "cereal/types/string.hpp", "cereal/types/vector.hpp"),
    type=CEREAL_TYPE,
)

COMPILER = os.environ.get("CXX", "c++")
FLAGS = ["-std=c++20", "-O2", "-DNDEBUG", "-Iinclude"]
RUNS = 5


def row(what, unit, ferry, peer, peer_value):
    print(
        json.dumps(
            {
                "group": "size",
                "what": what,
                "unit": unit,
                "ferry": ferry,
                "peer": peer,
                "peer_value": peer_value,
                "ratio": float(f"{peer_value / ferry:.4g}"),
            },
            ensure_ascii=False,
        )
    )


def run(*command):
    # The launcher of a compiler cache must not answer for the compiler.
    subprocess.run(command, check=True, env={**os.environ, "CCACHE_DISABLE": "1"})


def processor_seconds(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(*command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def stripped_kib(path):
    run("strip", "-s", path)
    return round(path.stat().st_size / 1024, 1)


def main(build):
    library = build / "libferry.a"
    programs = {
        "ferry": FERRY.format(header="ferry/archive.hpp", type=BOOST_TYPE),
        "all of ferry": FERRY.format(header="ferry/ferry.hpp", type=BOOST_TYPE),
        "boost": BOOST,
        "cereal": CEREAL,
    }
    libraries = {
        "ferry": [library, "-lcrypto", "-l:libboost_serialization.a"],
        "boost": ["-l:libboost_serialization.a"],
        "cereal": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        seconds = {name: [] for name in programs}
        for name, text in programs.items():
            (work / f"{name}.cpp").write_text(text)
        # In turns, so that a busy moment of the machine meets all of them.
        for _ in range(RUNS):
            for name in programs:
                source = work / f"{name}.cpp"
                seconds[name].append(processor_seconds(COMPILER, *FLAGS, "-c", source, "-o", source.with_suffix(".o")))
        median = {name: round(statistics.median(taken), 3) for name, taken in seconds.items()}

        kib = {}
        for name, needs in libraries.items():
            program = work / f"{name}.program"
            run(COMPILER, work / f"{name}.o", *needs, "-pthread", "-Wl,--gc-sections", "-o", program)
            run(program)
            kib[name] = stripped_kib(program)

        shared = work / "libferry.so"
        run(COMPILER, "-shared", "-Wl,--whole-archive", library, "-Wl,--no-whole-archive", "-lcrypto", "-o", shared)
        boost = subprocess.run([COMPILER, "-print-file-name=libboost_serialization.so"], capture_output=True, text=True)
        boost_copy = work / "libboost_serialization.so"
        boost_copy.write_bytes(pathlib.Path(boost.stdout.strip()).read_bytes())

        peers = {"boost": "boost::archive::binary", "cereal": "cereal binary"}
        for name, peer in peers.items():
            row("compile a program of one type", "s", median["ferry"], peer, median[name])
        for name, peer in peers.items():
            row("the same with <ferry/ferry.hpp>", "s", median["all of ferry"], peer, median[name])
        for name, peer in peers.items():
            row("that program, static, stripped", "KiB", kib["ferry"], peer, kib[name])
        row("shared library, stripped", "KiB", stripped_kib(shared), "libboost_serialization", stripped_kib(boost_copy))


main(pathlib.Path(sys.argv[1]))

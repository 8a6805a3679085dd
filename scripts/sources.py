# SPDX-License-Identifier: BSL-1.0
"""Prints what the tree holds, for meson.build; the rules are those at the top of CMakeLists.txt.

usage: sources.py WHAT
  library-linux | library-windows | test-support   one source a line
  tests | test-programs | examples | bench | fuzz  one program a line, as name:check:source,source
                                                   (check is '-' if there is none)
"""

import pathlib
import sys

# Folders of tests/ that are no Boost.Test programs; the same list is in cmake/tests.cmake.
OTHER_FOLDERS = {"support", "programs", "fuzz", "compile_fail", "consumer", "docs", "headers"}


def library(system):
    other = {"linux": "lib/os/windows/", "windows": "lib/os/linux/"}[system]
    found = [*pathlib.Path("lib").rglob("*.cpp"), *pathlib.Path("reducers").rglob("*.cpp")]
    return [source for source in found if other not in source.as_posix()]


def programs(folder):
    """A subfolder with a main.cpp is one program; otherwise every .cpp is one."""
    for source in sorted(pathlib.Path(folder).rglob("*.cpp")):
        name, sources = source.stem, [source]
        if (source.parent / "main.cpp").exists():
            if source.name != "main.cpp":
                continue
            name, sources = source.parent.name, sorted(source.parent.glob("*.cpp"))
        checks = [source.parent / (name + ending) for ending in (".expected", ".check")]
        yield name, next((check for check in checks if check.exists()), "-"), sources


def tests():
    for group in sorted(pathlib.Path("tests").iterdir()):
        if group.is_dir() and group.name not in OTHER_FOLDERS and any(group.glob("*.cpp")):
            yield group.name, "-", sorted(group.glob("*.cpp"))


def one_for_each(folder):
    return ((source.stem, "-", [source]) for source in sorted(pathlib.Path(folder).glob("*.cpp")))


def main(what):
    if what.startswith("library-"):
        print(*sorted(library(what.removeprefix("library-"))), sep="\n")
    elif what == "test-support":
        print(*sorted(pathlib.Path("tests/support").glob("*.cpp")), sep="\n")
    else:
        found = {
            "tests": tests,
            "test-programs": lambda: one_for_each("tests/programs"),
            "examples": lambda: programs("examples"),
            "bench": lambda: programs("bench"),
            "fuzz": lambda: one_for_each("tests/fuzz"),
        }[what]()
        for name, check, sources in found:
            print(name, check, ",".join(map(str, sources)), sep=":")


main(sys.argv[1])

# SPDX-License-Identifier: BSL-1.0
"""Lists every case of tests/conformance/cases.txt with the tests that cover it, or why it does not apply.

Fails if a case has neither, if one has both, or if a test names a case that is not on the list.
"""

import collections
import pathlib
import re
import sys

LIST = pathlib.Path("tests/conformance/cases.txt")
NAME = re.compile(r"[\w.]+")
LOOKS_LIKE_A_CASE = re.compile(r"_?\w*Test\w*\.test_\w+")
TEST_CASE = re.compile(r"[A-Z_]*TEST_CASE\w*\s*\(\s*(\w+)")


def cases():
    """Name, meaning and reason ('' if a test must cover it); a heading comes with the meaning None."""
    for line in LIST.read_text().splitlines():
        if line.startswith("== "):
            yield line[3:], None, ""
        elif " | " in line and not line.startswith("#"):
            name, meaning, *reason = (part.strip() for part in line.split(" | "))
            yield name, meaning, reason[0] if reason else ""


def tests(names):
    """For each name the tests that carry it, as 'file:line test': in a comment before the test, or in a label."""
    found = collections.defaultdict(list)
    for source in sorted(pathlib.Path("tests").rglob("*.cpp")):
        waiting = []
        last = f"{source}"
        for number, line in enumerate(source.read_text().splitlines(), 1):
            test = TEST_CASE.search(line)
            if test:
                last = f"{source}:{number} {test[1]}"
            carried = [n for n in NAME.findall(line) if n in names or LOOKS_LIKE_A_CASE.fullmatch(n)]
            waiting += carried
            if test or (carried and "label(" in line):
                for name in waiting:
                    found[name].append(last)
                waiting = []
    return found


def main():
    listed = list(cases())
    names = {name for name, meaning, reason in listed if meaning is not None}
    covered = tests(names)
    counts = collections.Counter()
    mistakes = []
    for name, meaning, reason in listed:
        if meaning is None:
            print(f"\n{name}\n")
            continue
        print(f"{name}\n    {meaning}")
        for test in covered[name]:
            print(f"    -> {test}")
        if reason:
            print(f"    {reason}")
        if covered[name] and reason:
            mistakes.append(f"{name} has a test: take its reason out of {LIST}")
        elif not covered[name] and not reason:
            mistakes.append(f"{name} has neither a test nor a reason")
            print("    MISSING")
        counts["covered" if covered[name] else reason.split(":")[0] or "missing"] += 1
    for name in sorted(covered.keys() - names):
        for test in covered[name]:
            mistakes.append(f"{test} names {name}, which is not in {LIST}")

    print("\n" + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) + f", {len(names)} in all")
    for mistake in mistakes:
        print("error:", mistake, file=sys.stderr)
    return 1 if mistakes else 0


sys.exit(main())

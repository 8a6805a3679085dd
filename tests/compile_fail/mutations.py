# SPDX-License-Identifier: BSL-1.0
"""Proves that `check` fails when anything that it looks for changes.

The compilers' outputs are kept, so that each change is judged without compiling anything again:
  - each word of each text that the headers have is a changed one in the outputs; no text may be without a case
  - each name in what a text is about is a changed one in the outputs
  - each line of each `.expected` is left out, or folded in two as a formatter does, and each word is a changed one
  - 'in the header alone' stands where it does not belong
  - a case has no `.expected`, or an empty one, and an `.expected` has no case
"""
import re
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import diagnostics
import expectations

# Not those of #error, about what is not there.
LITERALS = re.compile(r'(?<!#  error )(?<!#error )"ferry: [^"]*"(?:[\s\\]*"[^"]*")*')


def texts_of_headers():
    """What compilers can be made to say: literals that begin with "ferry: " and are an assertion or a refusal."""
    for header in sorted(Path("include").rglob("*.hpp")):
        for found in LITERALS.finditer(header.read_text()):
            text = "".join(re.findall(r'"([^"]*)"', found.group()))
            if text.strip() != diagnostics.BEGINNING.strip():
                yield header, text


def changes_of_words(line, pattern=r"[^ ]+"):
    """The line with each of its words changed in turn."""
    for word in re.finditer(pattern, line):
        yield f"{line[:word.start()]}mutated{line[word.end():]}"


class Mutations:
    def __init__(self, cases, folder, outputs):
        self.cases, self.folder, self.outputs = cases, folder, outputs
        self.read = {key: diagnostics.read(output) for key, output in outputs.items()}
        self.tried, self.survivors = Counter(), []

    def judge(self, case, is_clang, found, expected=None):
        """Whether the check fails."""
        return any(expectations.find_problems(expected or self.cases[case], str(self.folder / f"{case}.cpp"), is_clang,
                                              found))

    def judge_lines(self, case, lines):
        try:
            expected = expectations.read(lines)
        except expectations.Misunderstood:
            return True
        return any(self.judge(case, is_clang, found, expected)
                   for (is_clang, each), found in self.read.items() if each == case)

    def count(self, kind, fails, what):
        self.tried[kind] += 1
        if not fails:
            self.survivors.append(f"{kind}: {what}")

    def change_texts(self):
        for header, text in texts_of_headers():
            text = text.removeprefix(diagnostics.BEGINNING)
            shown = [(key, found) for key, found in self.read.items()
                     if any(each.is_ferrys and text in each.text for each in found)
                     and any(text == each.text for each in self.cases[key[1]].refusals)]
            self.count("texts of headers", bool(shown), f"no case shows the text in {header}: {text}")
            for changed in changes_of_words(text):
                for (is_clang, case), found in shown:
                    self.count("words of texts", self.judge(case, is_clang, [
                        replace(each, text=each.text.replace(text, changed)) for each in found]), f"{case}: {changed}")

    def change_names(self):
        for (is_clang, case), output in self.outputs.items():
            for name in {name for refusal in self.cases[case].refusals for about in refusal.about
                         for name in re.findall(r"[A-Za-z_]\w*", about)}:
                self.count("names of types", self.judge(case, is_clang, diagnostics.read(
                    re.sub(rf"\b{name}\b", "mutated", output))), f"{case}: {name}")

    def change_expectations(self):
        for case in self.cases:
            lines = (self.folder / f"{case}.expected").read_text().splitlines()
            for at, line in enumerate(lines):
                def with_instead(*others):
                    return lines[:at] + list(others) + lines[at + 1:]
                self.count("lines left out", self.judge_lines(case, with_instead()), f"{case}: {line}")
                middle = line.rfind(" ", 0, len(line) // 2 + 8)
                if middle > 0:
                    self.count("lines folded", self.judge_lines(case, with_instead(line[:middle], line[middle + 1:])),
                               f"{case}: {line}")
                for changed in changes_of_words(line, r"[A-Za-z_]\w*" if line.startswith("about") else r"[^ ]+"):
                    self.count("words of lines", self.judge_lines(case, with_instead(changed)), f"{case}: {changed}")
            if "in the header alone" not in lines and not self.cases[case].instead:
                self.count("lines too many", self.judge_lines(case, [*lines, "in the header alone"]), case)
            self.count("lines too many", self.judge_lines(case, [*lines, "ferry: another text", "about: it"]), case)

    def change_files(self):
        good = "ferry: a text\nabout: it\n"
        for name, files in {"no expectations": {"a.cpp": "", "b.cpp": "", "b.expected": good},
                            "empty expectations": {"a.cpp": "", "a.expected": ""},
                            "expectations of no case": {"a.cpp": "", "a.expected": good, "b.expected": good},
                            "no cases": {}}.items():
            with tempfile.TemporaryDirectory() as folder:
                for file, text in files.items():
                    (Path(folder) / file).write_text(text)
                self.count("files", bool(expectations.read_folder(Path(folder))[1]), name)


def run(cases, folder, outputs):
    """@returns the exit code"""
    found = Mutations(cases, folder, outputs)
    found.change_texts()
    found.change_names()
    found.change_expectations()
    found.change_files()
    for each in found.survivors:
        print(f"FAILED the check does not see: {each}")
    for kind, count in found.tried.items():
        print(f"compile-fail: {count} {kind} changed")
    print(f"compile-fail: {found.tried.total()} mutations, {len(found.survivors)} not seen")
    return 1 if found.survivors else 0

# SPDX-License-Identifier: BSL-1.0
"""What a case expects of a compiler, and whether that has come true.

The file CASE.expected beside CASE.cpp has one expectation a line, with nothing left out:

    ferry: TEXT            a text of Ferry's, whole, and an error. There are no others in the case
    about: WORDS           behind a text: stands in what the compiler says around it, and names the type or
                           the call. `...` is for anything
    beside it: WORDS       the compiler has errors or warnings of its own, too, and the first says that
    instead of it: WORDS   the same, and a compiler that has some need not come to Ferry's text
    in the header alone    Clang cannot show the text in the line of the call, where editors look for errors;
                           it does so in each other case
"""
import re
from dataclasses import dataclass, field

from diagnostics import BEGINNING


class Misunderstood(Exception):
    """A line that is no expectation, or what is missing."""


@dataclass
class Refusal:
    text: str  # without its beginning
    about: list = field(default_factory=list)

    def is_said_by(self, diagnostic):
        # C++26 has the types in front.
        return diagnostic.is_ferrys and (diagnostic.text == BEGINNING + self.text or
                                         diagnostic.text.endswith(": " + self.text))


@dataclass
class Expectations:
    refusals: list = field(default_factory=list)
    beside: str = ""
    instead: str = ""
    in_header_alone: bool = False


def read(lines):
    """@throws Misunderstood"""
    result = Expectations()
    for line in lines:
        word, colon, rest = line.partition(": ")
        if line == "in the header alone" and not result.in_header_alone:
            result.in_header_alone = True
        elif not colon or not rest or rest != rest.strip():
            raise Misunderstood(f"no expectation: '{line}'")
        elif word == "ferry":
            result.refusals.append(Refusal(rest))
        elif word == "about" and result.refusals:
            result.refusals[-1].about.append(rest)
        elif word == "beside it" and not result.beside and not result.instead:
            result.beside = rest
        elif word == "instead of it" and not result.beside and not result.instead:
            result.instead = rest
        else:
            raise Misunderstood(f"no expectation, or not here: '{line}'")
    if not result.refusals:
        raise Misunderstood("no text is expected")
    for refusal in result.refusals:
        if not refusal.about:
            raise Misunderstood(f"nothing says what it is about: '{refusal.text}'")
    return result


def says(words, text):
    """Whether a text has those words, and not only as parts of others."""
    pattern = ".*?".join(re.escape(part) for part in words.split("..."))
    return re.search(rf"(?<!\w){pattern}(?!\w)", text) is not None


def find_problems(expected, file, is_clang, diagnostics):
    """What is not as expected, in words; nothing if all is."""
    own = [each for each in diagnostics if not each.is_ferrys]
    errors = [each for each in diagnostics if each.is_ferrys and each.kind == "error"]
    if own and not says(expected.beside or expected.instead or "\0", own[0].text):
        yield f"what the compiler says of its own is not expected: {own[0].text}"
    if own and expected.instead:
        for words in (each for refusal in expected.refusals for each in refusal.about):
            if not any(says(words, each.said) for each in own):
                yield f"no error is about {words}"
        return
    for each in diagnostics:
        if each.is_ferrys and not any(refusal.is_said_by(each) for refusal in expected.refusals):
            yield f"a text is not expected: {each.text}"
    if len(errors) > 2 * len(expected.refusals):
        yield f"there are {len(errors)} errors for {len(expected.refusals)} mistakes"
    for refusal in expected.refusals:
        said = [each for each in errors if refusal.is_said_by(each)]
        if not said:
            yield f"no error says: {refusal.text}"
        for words in refusal.about:
            if said and not any(says(words, each.said) for each in said):
                yield f"the error is not about {words}: {refusal.text}"
        if is_clang:
            is_at_call = any(refusal.is_said_by(each) and each.kind == "warning" and each.file == file
                             for each in diagnostics)
            if is_at_call == expected.in_header_alone:
                yield f"the text is {'' if is_at_call else 'not '}in the line of the call: {refusal.text}"


def read_folder(folder):
    """@returns the expectations of each case, and what is wrong with files, in words"""
    cases, problems = {}, []
    files = {kind: {path.stem: path for path in sorted(folder.glob(f"*{kind}"))} for kind in (".cpp", ".expected")}
    for case in files[".cpp"].keys() | files[".expected"].keys():
        if case not in files[".expected"]:
            problems.append(f"{case}.cpp has no {case}.expected beside it")
        elif case not in files[".cpp"]:
            problems.append(f"{case}.expected is of no case: there is no {case}.cpp")
        else:
            try:
                cases[case] = read(files[".expected"][case].read_text().splitlines())
            except Misunderstood as problem:
                problems.append(f"{case}.expected: {problem}")
    if not cases:
        problems.append(f"{folder} has no cases")
    return dict(sorted(cases.items())), problems

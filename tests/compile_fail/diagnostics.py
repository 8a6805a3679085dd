# SPDX-License-Identifier: BSL-1.0
"""What a compiler printed, taken apart into its errors and warnings."""
import re
from dataclasses import dataclass, field

MESSAGE = re.compile(r"^([^\s:][^:\n]*):(\d+):\d+: (?:fatal )?(error|warning|note): (.*)$")
# "file:", "file:line:" or "file:line:column:" in front of the lines in which GCC says where it is.
PLACE = re.compile(r"^\s*[^\s:][^:\s]*:(?:\d+:(?:\d+:)?)? ?")
# What GCC and Clang put in front of the text of a static_assert. Clang 14 has it in quotes.
ASSERTION = re.compile(r"^(?:static assertion failed(?: due to requirement '.*?')?: |"
                       r"static_assert failed(?: due to requirement '.*?')? (?=\"ferry: ))")
BEGINNING = "ferry: "


@dataclass
class Diagnostic:
    """An error or a warning, with the lines around it that say where it is and of what."""
    kind: str
    file: str
    text: str
    around: list = field(default_factory=list)

    @property
    def is_ferrys(self):
        return self.text.startswith(BEGINNING)

    @property
    def said(self):
        """All that it says, without names of files, which are names of cases."""
        return "\n".join([self.text, *self.around])


def spell_alike(text):
    """Types in one spelling, whatever the compiler and its version."""
    text = text.replace("ferry::detail::", "").replace("std::__cxx11::", "std::").replace("std::_V2::", "std::")
    text = re.sub(r"\b(?:class|struct|enum) (?=[\w(])", "", text)
    text = re.sub(r"(?<=[\w>])<>", "", text)
    text = re.sub(r"> +(?=>)", ">", text)
    return re.sub(r" +(?=[*&([])", "", text)


def strip(text):
    """A message without what the compiler puts around the text of an assertion or an attribute."""
    asserted = ASSERTION.match(text)
    if asserted is None:
        return text.removesuffix(" [-Wuser-defined-warnings]")
    text = text[asserted.end():]
    return text[1:-1].replace('\\"', '"') if text.startswith('"') else text


def read(output):
    """The diagnostics of an output that was printed without lines of the source."""
    found, places = [], []  # the places stand in front of what they are for
    for line in output.splitlines():
        message = MESSAGE.match(line)
        if message is None:
            places.append(spell_alike(PLACE.sub("", line, 1)))
            continue
        file, _, kind, text = message.groups()
        if kind == "note":
            if found:
                found[-1].around += [*places, spell_alike(text)]
        else:
            found.append(Diagnostic(kind, file, strip(text), places))
        places = []
    return found

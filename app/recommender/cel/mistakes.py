"""What is wrong with an expression that Google's library refuses, in plain words and with its place.

The words never repeat the expression: errors are logged, and an expression can hold what is not for logs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from app.recommender.cel.functions import FUNCTIONS

VARIABLES = ("item", "user", "now")
MACROS = ("has", "all", "exists", "exists_one", "filter", "map", "matches")
CALLABLE = (*MACROS, *(name for name in FUNCTIONS if name.isalpha()))
OPERATORS: Mapping[str, str] = {"and": "&&", "or": "||", "not": "!", "=": "=="}
"""What people write who know another language, and what it is in CEL."""

ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*?)(?: \[INVALID_ARGUMENT\])?$", re.MULTILINE)
UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
SENTENCES = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"found no matching overload for '[@_]?(.+?)_?' applied to '\((.*)\)'", r"`\1` does not take \2"),
        (r"missing '(.+?)' at ", r"`\1` is missing"),
        (r".*'<EOF>' expecting '([^']+)'$", r"it ends without `\1`"),
        (r".*'<EOF>'", "it ends too early"),
        (r"token recognition error at: '[\"']", "a text in quotes begins here and does not end"),
        (r"token recognition error", "this has no meaning here"),
        (r"reserved identifier", "this word is reserved"),
        (r"\w+ input '[)\]}]' expecting <EOF>", "this bracket was not opened"),
        (r".* expecting <EOF>", "an operator such as `&&` is missing before this"),
        (r".* input ", "this cannot follow what is before it"),
    )
]
"""By the beginning of the library's message, which is made for those who know its grammar."""
QUOTED = re.compile(r"'([^']*)'")
TOO_DEEP = "recursion"


@dataclass(frozen=True)
class _Error:
    """An error of Google's library. `line` and `column` count from 1."""

    line: int
    column: int
    text: str
    source_line: str

    @property
    def before(self) -> str:
        """What the line has before the error."""
        return self.source_line[: self.column - 1].rstrip()

    @property
    def rest(self) -> str:
        """What the line has from the error on."""
        return self.source_line[self.column - 1 :]

    @property
    def unknown_name(self) -> str | None:
        match = UNDECLARED.match(self.text)
        return match[1] if match else None

    @property
    def is_call(self) -> bool:
        name = self.unknown_name
        return name is not None and self.rest.startswith("(") and self.before.endswith(name)


def in_words(message: str, source: str) -> str:
    """Returns what is wrong with an expression, by the message of Google's library: it continues "The filter"."""
    lines = source.split("\n")
    errors = [
        _Error(int(line), int(column), text, lines[int(line) - 1])
        for line, column, text in ERROR.findall(message)
        if 1 <= int(line) <= len(lines)
    ]
    if not errors:
        return "is nested too deeply" if TOO_DEEP in message else "is not in CEL"
    # the variables of a macro whose name is wrong are unknown as well
    error = next((error for error in errors if error.is_call), errors[0])
    words = _unknown(error) if error.unknown_name else f"is not in CEL: {_syntax(error, source)}"
    return f"{words} (line {error.line}, column {_start(error)})"


def _start(error: _Error) -> int:
    """Returns the column where an unknown name begins; the library reports its last dot, or the bracket of a call."""
    name = error.unknown_name
    if name is None:
        return error.column
    starts = (error.source_line.rfind(part, 0, error.column - 1 + len(name)) for part in (name, name.partition(".")[0]))
    return next((start + 1 for start in starts if start >= 0), error.column)


def _unknown(error: _Error) -> str:
    name = (error.unknown_name or "").partition(".")[0]
    if not error.is_call:
        near = _nearest(name, (*VARIABLES, "true", "false", "null"))
        return f"has an unknown name; {near or 'the names are `item`, `user` and `now`, a property is `item.price`'}"
    if name in CALLABLE:
        return f"calls `{name}` with something that it does not take"
    return f"calls an unknown function; {_nearest(name, CALLABLE) or 'the guide lists them'}"


def _nearest(name: str, names: tuple[str, ...]) -> str:
    by_lower = {each.lower(): each for each in names}
    near = get_close_matches(name.lower(), by_lower, 1)
    return f"did you mean `{by_lower[near[0]]}`?" if near else ""


def _syntax(error: _Error, source: str) -> str:
    word = re.search(r"\bnot$", error.before, re.IGNORECASE) or re.match(
        r"(and|or)\b|=(?!=)", error.rest, re.IGNORECASE
    )
    if word is not None:
        return f"write `{OPERATORS[word[0].lower()]}` instead of `{word[0]}`"
    for pattern, words in SENTENCES:
        if match := pattern.match(error.text):
            return match.expand(words).replace("google.protobuf.Timestamp", "timestamp").replace(", ", " and ")
    return QUOTED.sub(lambda quoted: "what is there" if quoted[1] in source else quoted[0], error.text)[:300]

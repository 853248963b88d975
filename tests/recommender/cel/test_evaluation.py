"""Values of expressions: the same as those of Google's library, and bounded."""

import math
import random
from contextlib import suppress
from time import thread_time
from typing import Any

import pytest
from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from app.recommender.cel import syntax
from app.recommender.cel.evaluation import Expression, Unsupported
from app.recommender.cel.values import EvaluationError
from app.recommender.cel.work import TooMuchWork, Work
from tests.support.builders import NOON

NONE = "no value"
ITEM: dict[str, Any] = {
    "price": 19.5,
    "negative": -2.0,
    "title": "Red Mug",
    "size": "10",
    "gift": True,
    "tags": ["a", "b", "Red Mug"],
    "ratings": [1.0, 2.0, 3.0, -1.0],
    "mixed": [1.0, "a", None, True, [1.0]],
    "maker": {"country": "PT"},
    "nothing": None,
    "until": "2026-01-31T11:30:00Z",
    "none": [],
    "name": "Ünïcode ß",
}
USER = {"age": 20.0}
VARIABLES = {"item": ITEM, "user": USER, "now": NOON}
LEAVES = [
    *(f"item.{name}" for name in (*ITEM, "missing", "maker.country", "title.x", "tags[0]", "tags[1.0]", "tags[9]")),
    *('item["title"]', "item.maker[1]", "user.age", "user", "1", "2", "-3", "0", "1u", "0u", "2.5", "0.0", "1e300"),
    *('"a"', '"Red"', '""', '"10"', "true", "false", "null", 'b"ab"', "[1, 2]", '["a"]', "[]", '{"country": "PT"}'),
    *("now", 'duration("1h")', 'duration("-90s")', 'timestamp("2026-01-01T00:00:00Z")', "9223372036854775807"),
    *("18446744073709551615u", "has(item.title)", "has(item.missing)", "has(item.title.x)"),
]
OPERATORS = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in"]
UNARY = ["!", "-", "size", "int", "uint", "double", "string", "bool", "bytes", "dyn", "timestamp", "duration"]
OF_TEXTS = ["contains", "startsWith", "endsWith"]
OF_TEXT = ["size()", "lowerAscii()", "upperAscii()", 'matches("^R.d")', 'matches("[a-z]+")']
DATE_PARTS = ["FullYear", "Month", "Date", "DayOfMonth", "DayOfYear", "DayOfWeek"]
OF_TIMES = [
    f"get{part}({zone})"
    for part in (*DATE_PARTS, "Hours", "Minutes", "Seconds", "Milliseconds")
    for zone in ("", '"Europe/Berlin"', '"+05:30"')
]
MACROS = ["all", "exists", "exists_one", "map", "filter"]
LISTS = ["item.tags", "item.ratings", "item.mixed", "item.maker", "[1, 2, 3]"]


def made_up(choose: random.Random, depth: int, variables: tuple[str, ...] = ()) -> str:
    """Returns an expression of a depth."""
    if depth == 0:
        leaf = choose.choice(LEAVES + list(variables) * 15)
        return f"dyn({leaf})" if choose.random() < 0.6 else leaf

    def part() -> str:
        return made_up(choose, depth - 1, variables)

    variable = f"v{len(variables)}"
    inner = made_up(choose, depth - 1, (*variables, variable))
    forms = {
        f"({part()} {choose.choice(OPERATORS)} {part()})": 10,
        f"{choose.choice(UNARY)}({part()})": 5,
        f"({part()} ? {part()} : {part()})": 2,
        f"({part()}).{choose.choice(OF_TEXTS)}({part()})": 2,
        f"({part()}).{choose.choice(OF_TEXT)}": 2,
        f"({part()}).{choose.choice(OF_TIMES)}": 1,
        f"({part()})[{part()}]": 1,
        f"({choose.choice(LISTS)}).{choose.choice(MACROS)}({variable}, {inner})": 4,
    }
    return choose.choices(list(forms), list(forms.values()))[0]


@pytest.fixture(scope="module")
def google() -> Any:
    facts = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    variables = {"item": facts, "user": facts, "now": cel.Type.TIMESTAMP}
    return cel.NewEnv(variables=variables, extensions=[ext_strings.ExtStrings()])


def expression(google: Any, source: str) -> Expression:
    return Expression(syntax.tree(google.compile(source).serialize()))


def plain(value: Any) -> Any:
    """Returns a value of Google's library as a value of ours."""
    if hasattr(value, "plain_value"):
        return plain(value.plain_value())
    if isinstance(value, list):
        return [plain(element) for element in value]
    return {key: plain(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def is_same(first: Any, second: Any) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=1e-12) or (math.isnan(first) and math.isnan(second))
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(is_same, first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(is_same(first[key], second[key]) for key in first)
    return isinstance(first, bool) is isinstance(second, bool) and first == second


def work(steps: int = 10**6) -> Work:
    return Work(steps, lambda: None)


class TestValues:
    @pytest.mark.parametrize("seed", range(2))
    def test_values_and_errors_are_those_of_googles_library(self, google: Any, seed: int) -> None:
        choose, compared, without_value = random.Random(seed), 0, 0
        while compared < 400:
            source = made_up(choose, choose.choice([0, 1, 2, 2, 3]))
            try:
                checked = google.compile(source)
            except RuntimeError:
                continue
            try:
                value = checked.eval(data=VARIABLES)
                theirs = NONE if value.type().name() == "ERROR" else plain(value.value())
            except RuntimeError:
                theirs = NONE
            try:
                ours = Expression(syntax.tree(checked.serialize())).value(VARIABLES, work())
            except EvaluationError:
                ours = NONE
            assert is_same(theirs, ours), source
            compared, without_value = compared + 1, without_value + (ours == NONE)
        assert 40 < without_value < 360

    @pytest.mark.parametrize(
        ("source", "value"),
        [
            ('item.title.lowerAscii() == "red mug"', True),
            ("item.missing || true", True),
            ("item.tags.map(t, item.tags.filter(u, u == t)).size()", 3),
            ('{"a": item.price}.a', 19.5),
            ("item.ratings.exists_one(r, r < 0.0)", True),
            ('string(duration("90m"))', "5400s"),
        ],
    )
    def test_values(self, google: Any, source: str, value: object) -> None:
        assert expression(google, source).value(VARIABLES, work()) == value

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("item.prise", "there is no `prise`"),
            ("item.title < item.price", "a text and a number have no order"),
            ("item.title.x", "a text has no x"),
            ("item.title + item.price", r"\+ does not take a text and a number"),
            ("item.tags[9]", "a list has no such element"),
            ("1 / int(item.none.size())", "a number is divided by 0"),
            ('duration("1 hour")', "texts like 36h"),
            ("item.price ? 1 : 2", "a number is neither true nor false"),
        ],
    )
    def test_errors_say_what_is_wrong(self, google: Any, source: str, reason: str) -> None:
        with pytest.raises(EvaluationError, match=reason):
            expression(google, source).value(VARIABLES, work())


class TestBounds:
    @pytest.mark.parametrize(
        "source",
        [
            "item.l.all(a, item.l.all(b, item.l.all(c, a + b + c >= 0.0)))",
            'item.l.all(a, item.l.all(b, !item.s.matches("(x+x+)+y")))',
            "item.l.map(a, item.l.map(b, item.l)).size() > 0",
            "item.l.all(a, item.d == item.d)",
            "item.l.all(a, !(500.0 in item.l))",
            "item.l.all(a, item.s.lowerAscii() != item.s.upperAscii())",
            f"[[item.s]]{'.map(a, [a[0] + a[0] + a[0] + a[0]])' * 9}.size() > 0",
            'item.l.all(a, item.s.matches("[a-q][^u-z]{200}x"))',
        ],
    )
    def test_no_expression_works_longer_than_it_may(self, google: Any, source: str) -> None:
        long = [float(number % 100) for number in range(2_000)]
        item = {"l": long, "s": "x" * 50_000, "d": {str(number): long for number in range(20)}}
        loop = expression(google, "item.l.exists(a, item.l.exists(b, a + b < 0.0))")
        variables = {"item": item, "user": {}, "now": NOON}

        def seconds(tried: Expression) -> float:
            start = thread_time()
            with pytest.raises(TooMuchWork):
                tried.value(variables, work(500_000))
            return thread_time() - start

        assert seconds(expression(google, source)) < 10 * seconds(loop)

    def test_the_time_is_checked_within_one_evaluation(self, google: Any) -> None:
        class Late(Exception):
            pass

        def check() -> None:
            raise Late

        with pytest.raises(Late):
            expression(google, "item.l.all(a, item.l.all(b, a + b >= 0.0))").value(
                {"item": {"l": [1.0] * 1_000}}, Work(10**9, check)
            )

    @pytest.mark.parametrize(
        ("source", "detail"),
        [
            ("item.title.matches(item.size)", "not a text in quotes"),
            ('item.title.matches("(")', "syntax of RE2"),
            (r'item.title.matches(r"(\pL|\pN){50}x")', "too large"),
            (r'item.title.matches(r"[a-z]{999}[a-z]{998}")', "too large"),
            ("||".join(['item.title.matches("a")'] * 11), "more than 10 regular expressions"),
            ("item.title.replace('a', item.title) == ''", "the function replace"),
            ("type(item.title) == string", "the function type"),
            ("google.protobuf.Int32Value{value: 3} == 3", "the type google.protobuf.Int32Value"),
        ],
    )
    def test_what_cannot_be_bounded_is_refused(self, google: Any, source: str, detail: str) -> None:
        with pytest.raises(Unsupported, match=detail):
            expression(google, source)

    def test_finding_out_that_a_regular_expression_is_too_large_takes_little(self, google: Any) -> None:
        def seconds(pattern: str) -> float:
            start = thread_time()
            with suppress(Unsupported):
                expression(google, f'item.title.matches(r"{pattern}")')
            return thread_time() - start

        assert min(seconds(rf"\pL{{{times}}}") for times in (200, 201, 202)) < 10 * seconds(r"\pLx")

    def test_regular_expressions_up_to_the_limits_are_taken(self, google: Any) -> None:
        assert expression(google, r'item.title.matches(r"[a-z]{999}[a-z]{980}|Mug")').value(VARIABLES, work()) is True
        assert (
            expression(google, "||".join(['item.title.matches("z")'] * 9 + ['item.title.matches("Mug")'])).value(
                VARIABLES, work()
            )
            is True
        )

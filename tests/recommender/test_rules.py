from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.recommender import rules
from app.recommender.cel.work import Work
from app.recommender.rules import Kind
from tests.support.builders import NOON, an_item


def value(kind: Kind, source: str, user: Any = None, **properties: Any) -> float:
    item = an_item("mug", "kitchen", "gifts", **properties)
    return rules.compiled(kind, source).value(rules.facts_of(item), user or {}, NOON, Work(100_000, lambda: None))


class TestFilter:
    @pytest.mark.parametrize(
        ("source", "properties", "passes"),
        [
            ('item.price < 20.0 && "kitchen" in item.categories && item.id != "x"', {"price": 14}, True),
            ("item.price < 20", {"price": 14.5}, True),
            ("item.price < 20", {"price": 20}, False),
            ("item.price < 20", {}, False),
            ("item.price < 20", {"price": "cheap"}, False),
            ("!has(item.price)", {}, True),
            ("item.year == 1999", {"year": 1999}, True),
            ('item.title.matches("^M.g$")', {}, True),
            ('item.sizes.exists(one, one == "XL")', {"sizes": ["S", "XL"]}, True),
            ('item.maker.country == "PT"', {"maker": {"country": "PT"}}, True),
            ('item.properties.id == "mine" && item.id == "mug"', {"id": "mine"}, True),
            ('timestamp(item.until) > now - duration("1h")', {"until": "2026-01-31T11:30:00Z"}, True),
            ("item.flag", {"flag": 1}, False),
            ('item.brand.lowerAscii() == "acme"', {"brand": "ACME"}, True),
        ],
    )
    def test_items_that_cannot_be_evaluated_do_not_pass(
        self, source: str, properties: dict[str, Any], passes: object
    ) -> None:
        assert value(Kind.FILTER, source, **properties) == float(passes is True)

    def test_a_failure_keeps_its_reason_and_nothing_of_the_evaluation(self) -> None:
        rule, user = rules.compiled(Kind.FILTER, "item.prise < user.budget"), {"budget": 5.0}

        failed = rule.value(rules.facts_of(an_item("mug")), user, NOON, Work(100, lambda: None))

        assert vars(failed) == {"reason": "there is no `prise`", "missing": "prise"}

    def test_expressions_can_use_the_user(self) -> None:
        assert value(Kind.FILTER, "item.age <= user.age", {"age": 18.0}, age=18) == 1
        assert value(Kind.FILTER, "item.age <= user.age", {}, age=18) == 0

    def test_the_number_of_steps_is_bounded(self) -> None:
        long = list(range(300))

        with pytest.raises(InvalidInput, match="too many steps"):
            value(Kind.FILTER, "item.l.all(a, item.l.all(b, a + b >= 0.0))", l=long)

    def test_regular_expressions_take_linear_time(self) -> None:
        assert value(Kind.FILTER, 'item.s.matches("(a+)+$")', s="a" * 50_000 + "b") == 0


class TestBoost:
    @pytest.mark.parametrize(
        ("source", "factor"),
        [("2", 2), ("item.margin * 2.0", 1.5), ("-1.0", 0), ("item.none", 1), ("1.0 / 0.0", 1), ("1e300", 1e6)],
    )
    def test_a_boost_is_neither_negative_nor_infinite(self, source: str, factor: float) -> None:
        assert value(Kind.BOOST, source, margin=0.75) == factor


class TestCompiled:
    @pytest.mark.parametrize(
        ("source", "detail"),
        [
            ("itm.price > 2.0", "has an unknown name; did you mean `item`? (line 1, column 1)"),
            ("has(item.a) && itm.itm", "did you mean `item`? (line 1, column 16)"),
            (
                "sk_secret.price > 2.0",
                "the names are `item`, `user` and `now`, a property is `item.price` (line 1, column 1)",
            ),
            ('item.title.startWith("a")', "an unknown function; did you mean `startsWith`? (line 1, column 12)"),
            ('item.categories.exist(c, c == "a")', "an unknown function; did you mean `exists`? (line 1, column 17)"),
            ("has(itm.price)", "did you mean `item`? (line 1, column 5)"),
            ('item.has("a")', "calls `has` with something that it does not take (line 1, column 6)"),
            ('item.price > 2 &&\n  "a" < 1', "`<` does not take string and int (line 2, column 7)"),
            ("nofn(1)", "an unknown function; the guide lists them (line 1, column 1)"),
            ("(item.price > 2.0", "`)` is missing (line 1, column 18)"),
            ("item.price > 2.0 AND true", "write `&&` instead of `AND` (line 1, column 18)"),
            ("item.price = 2.0", "write `==` instead of `=` (line 1, column 12)"),
            ('"abc', "a text in quotes begins here and does not end (line 1, column 1)"),
            ("true ? 1", "it ends without `:` (line 1, column 9)"),
            ("true)", "this bracket was not opened (line 1, column 5)"),
            ("1 + 2", "gives int, but true or false is needed (line 1, column 1)"),
            ("item.price >", "it ends too early (line 1, column 13)"),
            ("", "(line 1, column 1)"),
            ("(" * 60 + "true" + ")" * 60, "nested too deeply"),
            ("item.a == " + "1" * 2_000, "at most 2,000"),
            ("'\ud800' == item.a", "surrogates"),
            ("item.title.matches(item.id)", "regular expression that is not a text in quotes"),
        ],
    )
    def test_errors_are_reported_with_their_position(self, source: str, detail: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            rules.compiled(Kind.FILTER, source)

        assert detail in caught.value.errors[0].detail
        assert caught.value.errors[0].pointer == "filter"

    @pytest.mark.parametrize("source", ["sk_secret_key + 1.0", "secret(1)", "item.secret(1)", "1 secret"])
    def test_errors_do_not_repeat_the_expression(self, source: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            rules.compiled(Kind.BOOST, source)

        assert "secret" not in caught.value.detail

    def test_rules_know_whether_they_use_the_user_or_the_time(self) -> None:
        assert rules.compiled(Kind.FILTER, 'item.user == "now"').of_item_alone
        assert not rules.compiled(Kind.FILTER, "user.age > 3").of_item_alone
        assert rules.compiled(Kind.FILTER, "user.age > 3").uses_user
        assert not rules.compiled(Kind.FILTER, 'now > timestamp("2026-01-01T00:00:00Z")').uses_user

    @given(st.text(max_size=60))
    @example("\x00")
    @example("item['\\u0000']")
    def test_every_text_is_a_valid_expression_or_is_refused(self, source: str) -> None:
        for kind in Kind:
            try:
                rule = rules.compiled(kind, source)
            except InvalidInput:
                continue
            value = rule.value(rules.facts_of(an_item()), {}, datetime.now(UTC), Work(100_000, lambda: None))
            assert 0 <= value <= rules.LARGEST_BOOST

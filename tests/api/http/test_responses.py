"""Lists are sent as their views describe them, byte for byte."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from math import inf, nan

import pytest
from fastapi import Response

from app.api.http.responses import listed, paged
from app.api.schemas.recommendations import RecommendationListView
from app.api.schemas.records import left_out
from app.api.schemas.scenarios import PageView
from app.domain.fields import Selection
from app.domain.recommendations import Reason, RecommendationResponse, RecommendedItem
from app.domain.scenarios import PageResponse, PageRowResponse

AT = datetime(2026, 11, 30, 5, 6, 7, 80_000, UTC)
REASONS = (
    Reason("i1", "view", AT, 0.1 + 0.2, 1e-17, 'Öl \u2028 "x"', "e1", None, 0.25, None, None),
    Reason(
        "i2", "order", AT.astimezone(timezone(timedelta(hours=5, minutes=30))), -0.5, 1e22, None, None, True, None, 3, 4
    ),
    Reason("i3", "context", None, 1.0),
)


def an_item(**properties: object) -> RecommendedItem:
    return RecommendedItem("i9", "Cup", 2.0, "neighbors", None, 1.0, 0.5, REASONS, ("a", "b"), properties, 3.25)


RESPONSES = {
    "usual": RecommendationResponse("r1", "v1", False, 10, (an_item(price=1.5, tags=["x", {"y": None}]),)),
    "unknown item": RecommendationResponse(
        "r1",
        None,
        True,
        0,
        (RecommendedItem("i9", None, 0.0, "popular", "v2", 1.0, 1.0, (), None, None),),
        warnings=("The list is short.",),
    ),
    "long number": RecommendationResponse(
        "r1",
        "v1",
        False,
        0,
        (an_item(number=10**40), an_item(number=-(2**63))),
    ),
    "no number": RecommendationResponse("r1", "v1", False, 0, (an_item(number=nan), an_item(number=inf))),
    "both": RecommendationResponse("r1", "v1", False, 0, (an_item(number=nan, other=10**40),)),
}
SELECTIONS = [
    (),
    ("title", "properties.price"),
    ("reasons",),
    ("reasons.title", "reasons.share", "score"),
    ("categories",),
]


def text(response: Response) -> str:
    return bytes(response.body).decode()


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
class TestLists:
    def test_whole_lists(self, response: RecommendationResponse) -> None:
        assert text(listed(response)) == RecommendationListView.model_validate(response).model_dump_json()

    @pytest.mark.parametrize("names", SELECTIONS)
    def test_selected_fields(self, response: RecommendationResponse, names: tuple[str, ...]) -> None:
        selection = Selection(names)
        view = RecommendationListView.model_validate(response)

        content = text(listed(replace(response, selection=selection)))

        assert content == view.model_dump_json(exclude=left_out(selection))


@pytest.mark.parametrize("names", [None, *SELECTIONS])
def test_pages(names: tuple[str, ...] | None) -> None:
    selection = None if names is None else Selection(names)
    rows = tuple(
        PageRowResponse(
            each.recommendation_id,
            each.model_version,
            each.degraded,
            each.offset,
            each.items,
            kind="similar_to_recent",
            title="Because of Cup",
            source_item=source_item,
        )
        for each, source_item in zip(RESPONSES.values(), ("i1", None, "i2", None, "i3"), strict=True)
    )
    page = PageResponse("home", 3, rows)
    excluded = None if selection is None else {"rows": {"__all__": left_out(selection)}}

    assert text(paged(page, selection)) == PageView.model_validate(page).model_dump_json(exclude=excluded)

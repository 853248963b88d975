"""The bodies of recommendations: what is asked, and what is answered."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.api.schemas.fields import WHOLE, Body, Boost, Filter, Id, View
from app.api.schemas.records import MAX_EVENTS, MAX_LIMIT, MAX_RANKED, Freshness, Owner, SessionEvent

SAID = ("limit", "event_types", "include_seen", "boost", "context_item")
"""Fields of a wish that win over a scenario's where they are sent."""


class WishIn(Body):
    """What is asked of a list."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), WHOLE] = 10
    exclude: Annotated[list[Id], Field(max_length=MAX_EVENTS)] = Field(default_factory=list)
    event_types: Annotated[list[Id], Field(max_length=20)] | None = None
    include_seen: bool = False
    filter: Filter | None = None
    boost: Boost | None = None
    context_item: Annotated[Id | None, Field(description="The item at hand: what suits it comes first.")] = None
    scenario: Annotated[
        Id | None, Field(description="A stored scenario; what the request says itself wins, but both filters count.")
    ] = None
    page_after: Annotated[
        Annotated[str, Field(max_length=6_000)] | None,
        Field(description="`recommendation_id` of the page before: none of its items comes again."),
    ] = None
    properties: bool = False
    explain: bool = False

    def given(self, *, consistent: bool = False) -> dict[str, Any]:
        """What it says itself: those fields of a wish that were sent."""
        sent = {name: getattr(self, name) for name in SAID if name in self.model_fields_set}
        if "event_types" in sent:
            sent["event_types"] = frozenset(self.event_types) if self.event_types else None
        return sent | {
            "exclude": frozenset(self.exclude),
            "filters": () if self.filter is None else (self.filter,),
            "explain": self.explain,
            "consistent": consistent,
        }


class SessionIn(WishIn):
    events: Annotated[list[SessionEvent], Field(max_length=MAX_EVENTS)]


class RankingIn(Owner):
    item_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_RANKED)]
    after: Freshness = None
    properties: bool = False
    explain: bool = False


class ReasonView(View):
    item_id: str
    title: str | None
    event_type: str
    timestamp: datetime | None
    event_id: str | None
    share: Annotated[float, Field(description="Of the score; all shares sum to 1, a negative one speaks against it.")]
    contribution: Annotated[float, Field(description="The share times the score; all contributions sum to the score.")]
    kept_without: Annotated[
        bool | None,
        Field(description="With `explain`: whether the item would be in this answer without the event."),
    ]


class RecommendationView(View):
    item_id: str
    title: str | None = None
    score: float
    source: Annotated[
        str,
        Field(
            description="The recommender or fallback: neighbors, similar, exploration, trending, popular, latest, "
            "catalog."
        ),
    ]
    model_version: Annotated[
        str | None, Field(description="The version that chose it, where that is not the answer's own.")
    ] = None
    boost: Annotated[float, Field(description="What the boost multiplied the score with.")] = 1.0
    rotation: Annotated[float, Field(description="What ignored impressions left of the score.")] = 1.0
    reasons: list[ReasonView] = Field(default_factory=list)
    categories: tuple[str, ...] | None = None
    properties: dict[str, Any] | None = None


class RecommendationListView(View):
    recommendation_id: str
    model_version: str | None
    degraded: bool
    offset: Annotated[int, Field(description="Items on the pages before.")]
    items: list[RecommendationView]


class PageRowView(RecommendationListView):
    kind: str
    title: str
    source_item: Annotated[str | None, Field(description="The item that a `because` row resembles.")]


class PageView(BaseModel):
    scenario_id: str
    scenario_version: int
    rows: list[PageRowView]

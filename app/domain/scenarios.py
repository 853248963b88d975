"""Scenarios: stored settings of recommendation lists, and pages of rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.recommendations import RECOMMENDERS, Diversity, RecommendationList, RecommendationResponse

RECOMMENDATIONS, SIMILAR_TO_RECENT = "recommendations", "similar_to_recent"
"""Kinds of rows, besides the lists."""


@dataclass(frozen=True, slots=True)
class RowSettings:
    """The settings of one row of a page: a list with a title."""

    kind: str
    """`recommendations`, `similar_to_recent` (items similar to one of the user's items) or one of the lists."""
    title: str
    """`{item}` is replaced by the title of the item that a `similar_to_recent` row starts from."""
    limit: int = 10
    category: str | None = None
    count: int = 1
    """The number of `similar_to_recent` rows, each for another item."""


@dataclass(frozen=True, slots=True)
class ScenarioSettings:
    """The stored settings of a scenario's lists."""

    limit: int = 10
    recommenders: tuple[str, ...] = RECOMMENDERS
    event_types: tuple[str, ...] | None = None
    event_weights: Mapping[str, float] = field(default_factory=dict)
    include_seen: bool = False
    filter: str | None = None
    boost: str | None = None
    diversity: Diversity | None = None
    impression_decay: float | None = 3.0
    exploration: float = 0.0
    rows: tuple[RowSettings, ...] = ()
    log_sample_rate: float = 0.0
    """The share of responses that the decision log stores."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One version of a stored scenario."""

    scenario_id: str
    version: int
    settings: ScenarioSettings
    updated_at: datetime
    deleted: bool = False

    @property
    def etag(self) -> str:
        return f"v{self.version}"


@dataclass(frozen=True, slots=True)
class PageRow:
    """One row of a page: a list with a title; a `similar_to_recent` row names the item it starts from."""

    kind: str
    title: str
    list: RecommendationList
    source_item: str | None = None


@dataclass(frozen=True, slots=True)
class PageRowResponse(RecommendationResponse):
    """One row of a page as it is sent to the client."""

    kind: str
    title: str
    source_item: str | None


@dataclass(frozen=True, slots=True)
class PageResponse:
    """A page as it is sent to the client."""

    scenario_id: str
    scenario_version: int
    rows: tuple[PageRowResponse, ...]

"""Scenarios: stored settings of a placement, and pages of rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.recommendations import RECOMMENDERS, Diversity, RecommendationList


@dataclass(frozen=True, slots=True)
class RowSettings:
    """One row of a page: a list under a heading of its own."""

    kind: str
    """`recommendations`, `because` (what resembles one of the user's items) or one of the lists."""
    title: str
    """`{item}` stands for the title of the item that a `because` row resembles."""
    limit: int = 10
    category: str | None = None
    repeat: int = 1
    """How many `because` rows, each of another item."""


@dataclass(frozen=True, slots=True)
class ScenarioSettings:
    """The settings of a placement: a wish that is stored."""

    limit: int = 10
    recommenders: tuple[str, ...] = RECOMMENDERS
    event_types: tuple[str, ...] | None = None
    event_weights: Mapping[str, float] = field(default_factory=dict)
    include_seen: bool = False
    filter: str | None = None
    boost: str | None = None
    diversity: Diversity | None = None
    rotation: float | None = 3.0
    exploration: float = 0.0
    rows: tuple[RowSettings, ...] = ()
    log_share: float = 0.0
    """Share of the answers that are kept, to be replayed."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A stored placement. Each change is a version of its own."""

    scenario_id: str
    version: int
    placement: ScenarioSettings
    updated_at: datetime
    deleted: bool = False

    @property
    def etag(self) -> str:
        return f"v{self.version}"


@dataclass(frozen=True, slots=True)
class PageRow:
    """A list of a page under a heading of its own; a `because` row names the item that it resembles."""

    kind: str
    title: str
    answer: RecommendationList
    source_item: str | None = None

"""Recommendation requests, recommendations and their reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Final

from app.domain.items import Item
from app.domain.models import ActiveModel

NEIGHBORS, SIMILAR, GIVEN = "neighbors", "similar", "given"


TRENDING, POPULAR, LATEST = "trending", "popular", "latest"


TERMS = "terms"
"""The list of a version that says how rare terms are, by which new items are compared."""


CATALOG, EXPLORATION = "catalog", "exploration"


RECOMMENDERS: Final = ("neighbors", "trending", "popular", "latest")
"""What fills an answer, in this order; then, where there is a filter, the whole catalog does."""


CONTEXT = "context"
"""The event type of a reason that is the item at hand."""


DIGEST_BYTES = 4


MAX_SHOWN = 500
"""Items on the pages of one list."""


@dataclass(frozen=True, slots=True)
class Diversity:
    """How unlike each other the items of an answer are."""

    relevance: float | None = None
    """Lambda of maximal marginal relevance: 1 is the order of the scores, 0 only avoids what is alike."""
    property: str | None = None
    """`categories`, or the name of a property, of whose values none comes more often than `most`."""
    most: int = 1


@dataclass(frozen=True, slots=True)
class RecommendationQuery:
    """What the caller asks of an answer."""

    limit: int = 10
    exclude: frozenset[str] = frozenset()
    event_types: frozenset[str] | None = None
    event_weights: Mapping[str, float] = field(default_factory=dict)
    """Of event types, in place of the usual ones."""
    include_seen: bool = False
    explain: bool = False
    consistent: bool = False
    filters: tuple[str, ...] = ()
    """All of which an item has to pass."""
    boost: str | None = None
    recommenders: tuple[str, ...] = RECOMMENDERS
    context_item: str | None = None
    diversity: Diversity | None = None
    rotation: float | None = 3.0
    """So many impressions without an event after them halve a score; None: they do not matter."""
    exploration: float = 0.0
    """Share of the places that new items get."""
    shown: frozenset[bytes] = frozenset()
    """Digests of the items on earlier pages."""
    scenario: str | None = None
    without_event: str | None = None
    """Answer as if the event with this id had not happened."""

    @property
    def needs_catalog(self) -> bool:
        """Whether it looks at more items than the best candidates."""
        return bool(self.filters) or self.boost is not None


def item_digest(item_id: str) -> bytes:
    """Stands for an item in tokens; of 500 items shown, another one in nine million is taken for one of them."""
    return blake2b(item_id.encode(), digest_size=DIGEST_BYTES).digest()


@dataclass(frozen=True, slots=True)
class Reason:
    """A past event and its share of a recommendation's score (the shares of all events sum to 1)."""

    item_id: str
    event_type: str
    timestamp: datetime | None
    share: float
    contribution: float = 0.0
    """The share times the score: those of all events sum to the score."""
    title: str | None = None
    event_id: str | None = None
    kept_without: bool | None = None
    """Whether the item would be in the answer without this event; None where that was not tried."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One place of an answer. `source` names the recommender or the fallback list it came from."""

    item_id: str
    score: float
    source: str
    reasons: tuple[Reason, ...] = ()
    item: Item | None = None
    boost: float = 1.0
    """What the boost multiplied the score with; it is in the score."""
    rotation: float = 1.0
    """What ignored impressions left of the score; likewise."""
    of_other: bool = False
    """Whether the other one of two interleaved versions chose it."""


@dataclass(frozen=True, slots=True)
class RecommendationList:
    """An ordered list of recommendations and where it came from."""

    recommendations: tuple[Recommendation, ...]
    active: ActiveModel | None
    degraded: bool = False
    other: str | None = None
    """The version that it is interleaved with."""


@dataclass(frozen=True, slots=True)
class LiveList:
    """A list of a project's items as of a time (seconds since 1970), packed best first; category "" is all."""

    kind: str
    category: str
    as_of: float
    packed: bytes

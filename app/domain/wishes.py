"""What is asked of a list: by a request, and by the stored settings of a placement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Final

NEIGHBOURS, SIMILAR, GIVEN = "neighbours", "similar", "given"
TRENDING, POPULAR, LATEST = "trending", "popular", "latest"
TERMS = "terms"
"""The list of a version that says how rare terms are, by which new items are compared."""
CATALOGUE, EXPLORATION = "catalogue", "exploration"
RECOMMENDERS: Final = ("neighbours", "trending", "popular", "latest")
"""What fills an answer, in this order; then, where there is a filter, the whole catalogue does."""
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
class Wish:
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
    def needs_catalogue(self) -> bool:
        """Whether it looks at more items than the best candidates."""
        return bool(self.filters) or self.boost is not None


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
class Placement:
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
    placement: Placement
    updated_at: datetime
    deleted: bool = False

    @property
    def etag(self) -> str:
        return f"v{self.version}"


def item_digest(item_id: str) -> bytes:
    """Stands for an item in tokens; of 500 items shown, another one in nine million is taken for one of them."""
    return blake2b(item_id.encode(), digest_size=DIGEST_BYTES).digest()

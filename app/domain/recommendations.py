"""Recommendation queries, recommendations with their reasons, and the responses that carry them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypedDict

from app.domain.fields import Selection
from app.domain.items import Item
from app.domain.models import ActiveModel

NEIGHBORS, SIMILAR, REQUESTED = "neighbors", "similar", "requested"
TRENDING, POPULAR, LATEST = "trending", "popular", "latest"
RECENT = "recent"
"""The live list of recent popularity, which multiplies scores."""
CATALOG, EXPLORATION = "catalog", "exploration"
BOUGHT_TOGETHER = "bought_together"
"""The source of items that are bought together with others, and the kind of their lists in a model version."""
TERMS = "terms"
"""The list of a model version that holds the rarity of terms; cold-start items are compared by them."""
RECOMMENDERS: Final = ("neighbors", "trending", "popular", "latest")
"""The sources of a list, in this order. With a filter, the whole catalog follows them."""
CONTEXT, IN_CART = "context", "in_cart"
"""The event types of reasons that are the context item, and items of the cart."""
DIGEST_BYTES = 4
MAX_SHOWN = 500
"""Items on all pages of one list."""


@dataclass(frozen=True, slots=True)
class Diversity:
    """How different the items of a list have to be from each other."""

    relevance: float | None = None
    """Lambda of maximal marginal relevance: 1 keeps the order of the scores, 0 only avoids similar items."""
    property: str | None = None
    """`categories` or the name of a property; each of its values occurs at most `max_per_value` times."""
    max_per_value: int = 1


@dataclass(frozen=True, slots=True)
class RecommendationQuery:
    """The settings of one list: those of the request merged with those of its scenario."""

    limit: int = 10
    exclude: frozenset[str] = frozenset()
    event_types: frozenset[str] | None = None
    event_weights: Mapping[str, float] = field(default_factory=dict)
    """Weights that replace the defaults of their event types."""
    include_seen: bool = False
    explain: bool = False
    consistent: bool = False
    filters: tuple[str, ...] = ()
    """An item has to pass all of them."""
    boost: str | None = None
    recommenders: tuple[str, ...] = RECOMMENDERS
    context_item: str | None = None
    cart: tuple[str, ...] = ()
    """The items of the user's cart, each once; what is bought together with them comes first."""
    diversity: Diversity | None = None
    impression_decay: float | None = 3.0
    """The number of ignored impressions that halves a score; None if impressions do not matter."""
    exploration: float = 0.0
    """The share of positions reserved for new items."""
    shown: frozenset[bytes] = frozenset()
    """Digests of the items on earlier pages."""
    scenario: str | None = None
    without_events: frozenset[str] = frozenset()
    """The ids of events to leave out, as if they had not happened."""
    model_version: str | None = None
    """The version to use; None for the one that serves the user."""
    log_sample_rate: float = 0.0
    """The share of responses that the decision log stores."""
    selection: Selection | None = None
    """What the response carries of each item; None for everything but categories and properties."""

    def wants(self, field: str, part: str = "") -> bool:
        """Whether the response carries a field, or a part of it, of each item."""
        return self.selection is None or self.selection.has(field, part)

    def wants_any(self, fields: Iterable[str]) -> bool:
        """Whether the response carries one of these fields of each item."""
        return any(map(self.wants, fields))

    @property
    def left_out(self) -> frozenset[str]:
        """The items that the list must not hold, whoever the user is."""
        context = () if self.context_item is None else (self.context_item,)
        return self.exclude.union(self.cart, context)

    @property
    def needs_catalog(self) -> bool:
        """Whether the list considers more items than the best candidates."""
        return bool(self.filters) or self.boost is not None


class QueryOverrides(TypedDict, total=False):
    """Fields of a query that replace those of the scenario, if the client sent them."""

    limit: int
    event_types: frozenset[str] | None
    include_seen: bool
    boost: str | None
    context_item: str | None
    cart: tuple[str, ...]
    without_events: frozenset[str]
    model_version: str | None
    diversity: Diversity | None


@dataclass(frozen=True, slots=True)
class RecommendationRequest:
    """A request for a list, as the client sent it: by query string, body or frame."""

    overrides: QueryOverrides = field(default_factory=QueryOverrides)
    exclude: frozenset[str] = frozenset()
    filter: str | None = None
    explain: bool = False
    properties: bool = False
    """Whether the response includes the categories and properties of the items, unless there is a selection."""
    selection: Selection | None = None
    scenario: str | None = None
    fresh_after: str | None = None
    """A freshness token: the list reflects the events that returned it."""
    continue_from: str | None = None
    """The recommendation_id of the page before."""
    consistent: bool = False
    """Whether to read the newest events, also without a freshness token."""

    @property
    def has_rules(self) -> bool:
        """Whether it has a filter or boost of its own."""
        return self.filter is not None or self.overrides.get("boost") is not None


def list_name(kind: str, name: str) -> str:
    """Returns the name of a model version's list, which no item can have."""
    return f"{kind}#{name}"


def item_digest(item_id: str) -> bytes:
    """Returns the digest of an item in tokens; with 500 items shown, one other item in nine million collides."""
    return blake2b(item_id.encode(), digest_size=DIGEST_BYTES).digest()


class Reason(NamedTuple):
    """A past event and its share of a recommendation's score. The shares of all events sum to 1."""

    item_id: str
    event_type: str
    timestamp: datetime | None
    share: float
    contribution: float = 0.0
    """The share times the score; the contributions of all events sum to the score."""
    title: str | None = None
    event_id: str | None = None
    kept_without: bool | None = None
    """Whether the list would still hold the item without this event; None if this was not tried."""
    from_order: float | None = None
    """The share in [0, 1] of the contribution that the model learned from order, the rest from similarity.

    None if the model does not distinguish them.
    """
    baskets_together: int | None = None
    """The number of baskets with the item of the reason and the recommended one, if the model counted them."""
    baskets: int | None = None
    """The number of baskets with the item of the reason."""


class Recommendation(NamedTuple):
    """A recommended item with its score, source and reasons."""

    item_id: str
    score: float
    source: str
    """The recommender or fallback list that returned the item."""
    reasons: tuple[Reason, ...] = ()
    item: Item | None = None
    boost: float = 1.0
    """The factor of the boost expression, included in the score."""
    impression_factor: float = 1.0
    """The factor left by ignored impressions, included in the score."""
    recent_factor: float = 1.0
    """The factor of recent popularity, included in the score."""
    from_challenger: bool = False
    """Whether the challenger of two interleaved model versions chose the item."""


@dataclass(frozen=True, slots=True)
class RecommendationList:
    """An ordered list of recommendations and the model version behind it."""

    recommendations: tuple[Recommendation, ...]
    active: ActiveModel | None
    degraded: bool = False
    challenger: str | None = None
    """The version that is interleaved with the active one."""
    warnings: tuple[str, ...] = ()
    """Sentences about rules that had no value for any item, or were not tried on all items."""


class RecommendedItem(NamedTuple):
    """A recommendation as it is sent to the client."""

    item_id: str
    title: str | None
    score: float
    source: str
    model_version: str | None
    """The version that chose the item, if it is not the version of the list."""
    boost: float
    impression_factor: float
    reasons: tuple[Reason, ...]
    categories: tuple[str, ...] | None
    properties: Mapping[str, Any] | None
    recent_factor: float = 1.0
    """1 in stored responses of earlier releases."""


@dataclass(frozen=True, slots=True)
class RecommendationResponse:
    """A list as it is sent to the client, with its recommendation_id."""

    recommendation_id: str
    model_version: str | None
    degraded: bool
    offset: int
    """The number of items on earlier pages."""
    items: tuple[RecommendedItem, ...]
    warnings: tuple[str, ...] = field(default=(), kw_only=True)
    """Empty in stored responses of earlier releases."""
    selection: Selection | None = field(default=None, kw_only=True)
    """The fields of the items that are sent; None for all."""


@dataclass(frozen=True, slots=True)
class LiveList:
    """A project's live list at a time (seconds since 1970), packed best first; category "" is all items."""

    kind: str
    category: str
    as_of: float
    packed: bytes

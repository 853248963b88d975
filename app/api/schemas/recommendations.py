"""Requests for recommendations, and their responses.

The query string, the body of a session, the `recommend` frame and stored scenarios share their fields.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.api.schemas.events import SessionEvent
from app.api.schemas.fields import WHOLE, Body, BoostField, FilterField, Freshness, Id, View
from app.api.schemas.owners import Owner
from app.api.schemas.records import (
    MAX_EVENTS,
    MAX_LIMIT,
    MAX_RANKED,
    ExplainField,
    FieldsField,
    FieldsQuery,
    PropertiesField,
    ScenarioField,
    selection,
)
from app.domain.recommendations import Diversity, QueryOverrides, RecommendationRequest

MAX_TOKEN = 6_000
MAX_CART = 50

LimitField = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="The number of items.", examples=[10]), WHOLE]


def _several(value: object) -> object:
    """Bodies of earlier clients have one id rather than a list of them."""
    return [value] if isinstance(value, str) else value


class ListSettings(BaseModel):
    """Settings of a list, for requests and stored scenarios."""

    limit: LimitField = 10
    event_types: Annotated[
        Annotated[list[Id], Field(max_length=20)] | None,
        Field(description="Only events of these types count.", examples=[["view", "purchase"]]),
    ] = None
    include_seen: Annotated[
        bool, Field(description="Whether to recommend items that the user has events with.", examples=[False])
    ] = False
    filter: FilterField = None
    boost: BoostField = None


class RecommendationFields(ListSettings):
    """Everything that a request for a list can say."""

    exclude: Annotated[
        list[Id], Field(max_length=MAX_EVENTS, description="Items to leave out.", examples=[["sku-7"]])
    ] = Field(default_factory=list)
    context_item: Annotated[
        Id | None,
        Field(description="The item that the user looks at; similar items come first.", examples=["sku-1042"]),
    ] = None
    cart: Annotated[
        list[Id],
        Field(
            max_length=MAX_CART,
            description="The items in the user's cart: what is bought together with them comes first, without them.",
            examples=[["sku-7", "sku-1042"]],
        ),
    ] = Field(default_factory=list)
    without_event: Annotated[
        list[Id],
        BeforeValidator(_several),
        Field(max_length=MAX_LIMIT, description="Events to leave out, by their ids.", examples=[["order-7-line-2"]]),
    ] = Field(default_factory=list)
    model_version: Annotated[
        Id | None,
        Field(
            description="A ready version to use instead of the one that serves the user, to compare their lists.",
            examples=["v20261123T101500123456-a1b2"],
        ),
    ] = None
    diversity: Annotated[
        Annotated[float, Field(ge=0, le=1)] | None,
        Field(
            description="Lambda of maximal marginal relevance: 1 keeps the order of the scores, 0 is most diverse.",
            examples=[0.7],
        ),
    ] = None
    scenario: ScenarioField = None
    continue_from: Annotated[
        Annotated[str, Field(max_length=MAX_TOKEN)] | None,
        Field(
            description="The `recommendation_id` of the page before. Items of that page and earlier ones are left out.",
            examples=["AQ8fad5bd9cb469fa16570867728950e.c2lnbmF0dXJl"],
        ),
    ] = None
    fresh_after: Freshness = None
    properties: PropertiesField = False
    fields: FieldsField = None
    explain: ExplainField = False

    def request(self) -> RecommendationRequest:
        """Returns the request; only fields that were sent override those of a scenario."""
        sent, overrides = self.model_fields_set, QueryOverrides()
        if "limit" in sent:
            overrides["limit"] = self.limit
        if "event_types" in sent:
            overrides["event_types"] = frozenset(self.event_types) if self.event_types else None
        if "include_seen" in sent:
            overrides["include_seen"] = self.include_seen
        if "boost" in sent:
            overrides["boost"] = self.boost
        if "diversity" in sent:
            overrides["diversity"] = Diversity(relevance=self.diversity)
        return RecommendationRequest(
            overrides=overrides
            | {
                "context_item": self.context_item,
                "cart": tuple(dict.fromkeys(self.cart)),
                "without_events": frozenset(self.without_event),
                "model_version": self.model_version,
            },
            exclude=frozenset(self.exclude),
            filter=self.filter,
            explain=self.explain,
            properties=self.properties,
            selection=selection(self.fields),
            scenario=self.scenario,
            fresh_after=self.fresh_after,
            continue_from=self.continue_from,
        )


class RecommendationQueryIn(RecommendationFields):
    """A request for a list as a query string."""

    model_config = ConfigDict(allow_inf_nan=False)

    fields: FieldsQuery = None


class SessionIn(RecommendationFields, Body):
    """A request for a list for an anonymous session."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"events": [{"item_id": "sku-1042", "event_type": "view"}], "limit": 5}]}
    )

    events: Annotated[
        list[SessionEvent],
        Field(max_length=MAX_EVENTS, description="The events of the session. They are not stored."),
    ]


class RankingIn(Owner):
    """A request to rank items."""

    item_ids: Annotated[
        list[Id],
        Field(min_length=1, max_length=MAX_RANKED, description="The items to rank.", examples=[["sku-7", "sku-1042"]]),
    ]
    fresh_after: Freshness = None
    properties: PropertiesField = False
    fields: FieldsField = None
    explain: ExplainField = False
    include_hidden: Annotated[
        bool, Field(description="Whether items that are hidden, expired or deleted are ranked too.", examples=[True])
    ] = False

    def request(self) -> RecommendationRequest:
        return RecommendationRequest(
            explain=self.explain,
            properties=self.properties,
            selection=selection(self.fields),
            fresh_after=self.fresh_after,
        )


class ReasonView(View):
    item_id: Annotated[str, Field(description="The item of the event.", examples=["sku-1042"])]
    title: Annotated[str | None, Field(description="The title of that item.", examples=["Espresso cups"])]
    event_type: Annotated[
        str,
        Field(
            description="The type of the event; `context` for the `context_item`, `in_cart` for an item of the `cart`.",
            examples=["purchase"],
        ),
    ]
    timestamp: Annotated[datetime | None, Field(description="The time of the event.")]
    event_id: Annotated[str | None, Field(description="The id of the event.", examples=["order-7-line-2"])]
    share: Annotated[
        float,
        Field(
            description="The event's share of the score. All shares sum to 1; a negative one lowers the score.",
            examples=[0.75],
        ),
    ]
    contribution: Annotated[
        float,
        Field(description="The share times the score. All contributions sum to the score.", examples=[1.5]),
    ]
    kept_without: Annotated[
        bool | None,
        Field(description="With `explain`: whether the list would hold the item without this event.", examples=[True]),
    ]
    from_order: Annotated[
        float | None,
        Field(
            description="The share of the contribution that was learned from order: what users chose afterwards. The "
            "rest was learned from similarity: what the same users chose. Null if the model knows only similarity.",
            examples=[0.4],
        ),
    ] = None
    baskets_together: Annotated[
        int | None,
        Field(
            description="In how many baskets both items were bought together, if that is the reason; of one user, the "
            "newest five baskets with an item count.",
            examples=[37],
        ),
    ] = None
    baskets: Annotated[
        int | None,
        Field(description="With `baskets_together`: in how many baskets the reason's item was.", examples=[210]),
    ] = None


class RecommendationView(View):
    item_id: Annotated[str, Field(description="The recommended item.", examples=["sku-7"])]
    title: Annotated[str | None, Field(description="The title of the item.", examples=["Milk jug"])] = None
    score: Annotated[float, Field(description="The score, with all factors.", examples=[2.0])]
    source: Annotated[
        str,
        Field(
            description="The recommender or fallback: neighbors, similar, bought_together, exploration, trending, "
            "popular, latest, catalog; in rankings, requested for items without a score.",
            examples=["neighbors"],
        ),
    ]
    model_version: Annotated[
        str | None,
        Field(
            description="The version that chose the item, if it is not the list's.",
            examples=["v20261123T101500123456-a1b2"],
        ),
    ] = None
    boost: Annotated[float, Field(description="The factor of the boost, included in the score.", examples=[1.0])] = 1.0
    impression_factor: Annotated[
        float,
        Field(description="The factor left by ignored impressions, included in the score.", examples=[0.5]),
    ] = 1.0
    recent_factor: Annotated[
        float,
        Field(description="The factor of the item's popularity of late, included in the score.", examples=[1.2]),
    ] = 1.0
    reasons: Annotated[
        list[ReasonView], Field(description="The events behind the item, those with the largest shares first.")
    ] = Field(default_factory=list)
    categories: Annotated[
        tuple[str, ...] | None,
        Field(description="With `properties` or `fields`: the categories of the item.", examples=[["kitchen"]]),
    ] = None
    properties: Annotated[
        dict[str, Any] | None,
        Field(description="With `properties` or `fields`: the properties of the item.", examples=[{"price": 24.5}]),
    ] = None


class RecommendationListView(View):
    recommendation_id: Annotated[
        str, Field(description="The id of the list. Send it with the events that follow, and to get the next page.")
    ]
    model_version: Annotated[
        str | None,
        Field(description="The version of the model; null without one.", examples=["v20261123T101500123456-a1b2"]),
    ]
    degraded: Annotated[
        bool,
        Field(
            description=(
                "Whether this was made without the database, which is unavailable: it is the popular list that was "
                "loaded last, or for a ranking the requested items in their order."
            ),
            examples=[False],
        ),
    ]
    offset: Annotated[int, Field(description="The number of items on earlier pages.", examples=[0])]
    items: Annotated[list[RecommendationView], Field(description="The recommendations, best first.")]
    warnings: Annotated[
        list[str],
        Field(
            description="What is probably not meant: a filter or boost that had no value for any item, or a list that "
            "is short because the filter was tried on a part of a very large catalog.",
            examples=[["The filter has no value for any item that it was tried on: there is no `prise`."]],
        ),
    ] = Field(default_factory=list)

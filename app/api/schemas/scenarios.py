"""The settings of scenarios, and how they are returned."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.api.schemas.fields import PRINTABLE, WHOLE, Body, Category, Id, View
from app.api.schemas.recommendations import LimitField, ListSettings, RecommendationListView
from app.api.schemas.records import MAX_LIMIT
from app.domain.recommendations import RECOMMENDERS, Diversity
from app.domain.scenarios import RowSettings, Scenario, ScenarioSettings

Recommender = Literal["neighbors", "trending", "popular", "latest"]
RowKind = Literal["recommendations", "similar_to_recent", "trending", "popular", "latest"]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTABLE)]
Share = Annotated[float, Field(ge=0, le=1)]


class PageRowView(RecommendationListView):
    kind: Annotated[str, Field(description="The kind of the row.", examples=["similar_to_recent"])]
    title: Annotated[str, Field(description="The title of the row.", examples=["Because you liked Espresso cups"])]
    source_item: Annotated[
        str | None,
        Field(description="The item that a `similar_to_recent` row starts from.", examples=["sku-1042"]),
    ]


class PageView(View):
    scenario_id: Annotated[str, Field(description="The scenario of the page.", examples=["home"])]
    scenario_version: Annotated[int, Field(description="The version of the scenario.", examples=[3])]
    rows: Annotated[list[PageRowView], Field(description="The rows that have items, in order.")]


class DiversityIn(Body):
    """How different the items of a list have to be from each other."""

    relevance: Annotated[
        Share | None,
        Field(
            description="Lambda of maximal marginal relevance over categories and titles: 1 keeps the order of scores.",
            examples=[0.7],
        ),
    ] = None
    property: Annotated[
        Text | None,
        Field(
            description="`categories` or the name of a property; each value occurs at most `max_per_value` times.",
            examples=["brand"],
        ),
    ] = None
    max_per_value: Annotated[
        int, Field(ge=1, le=MAX_LIMIT, description="The most items with the same value.", examples=[2]), WHOLE
    ] = 1

    def record(self) -> Diversity:
        return Diversity(self.relevance, self.property, self.max_per_value)


class RowIn(Body):
    """One row of a page."""

    kind: Annotated[
        RowKind,
        Field(
            description="`recommendations` for the user, `similar_to_recent` for items similar to one of theirs, "
            "or one of the lists.",
            examples=["similar_to_recent"],
        ),
    ]
    title: Annotated[
        Text,
        Field(
            description="In a `similar_to_recent` row, `{item}` becomes the title of the item that it starts from.",
            examples=["Because you liked {item}"],
        ),
    ]
    limit: LimitField = 10
    category: Annotated[
        Category | None, Field(description="For a list: only items of this category.", examples=["kitchen"])
    ] = None
    count: Annotated[
        int,
        Field(ge=1, le=5, description="The number of `similar_to_recent` rows, each for another item.", examples=[2]),
        WHOLE,
    ] = 1

    def record(self) -> RowSettings:
        return RowSettings(self.kind, self.title, self.limit, self.category, self.count)


class ScenarioSettingsIn(ListSettings, Body):
    """The settings of a scenario; fields that are left out get their defaults."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"limit": 12, "exploration": 0.1, "rows": [{"kind": "latest", "title": "New"}]}]
        }
    )

    recommenders: Annotated[
        tuple[Recommender, ...],
        Field(
            min_length=1,
            max_length=4,
            strict=False,
            description="The sources of a list, in this order.",
            examples=[["neighbors", "popular"]],
        ),
    ] = RECOMMENDERS
    event_weights: Annotated[
        dict[Id, Annotated[float, Field(ge=-10, le=10)]],
        Field(
            max_length=50,
            description="Weights that replace the defaults of their event types.",
            json_schema_extra={"additionalProperties": False},
            examples=[{"purchase": 5.0}],
        ),
    ] = Field(default_factory=dict)
    diversity: Annotated[
        DiversityIn | None, Field(description="How different the items have to be from each other.")
    ] = None
    impression_decay: Annotated[
        Annotated[float, Field(ge=0.1, le=1_000)] | None,
        Field(
            description="The number of ignored impressions that halves a score; null if impressions do not matter.",
            examples=[3.0],
        ),
    ] = 3.0
    exploration: Annotated[
        Share, Field(description="The share of positions reserved for new items.", examples=[0.1])
    ] = 0.0
    rows: Annotated[list[RowIn], Field(max_length=20, description="The rows of a page.")] = Field(default_factory=list)
    log_sample_rate: Annotated[
        Share, Field(description="The share of responses that are stored and can be replayed.", examples=[0.01])
    ] = 0.0

    def record(self) -> ScenarioSettings:
        return ScenarioSettings(
            limit=self.limit,
            recommenders=tuple(dict.fromkeys(self.recommenders)),
            event_types=tuple(self.event_types) if self.event_types is not None else None,
            event_weights=self.event_weights,
            include_seen=self.include_seen,
            filter=self.filter,
            boost=self.boost,
            diversity=self.diversity.record() if self.diversity else None,
            impression_decay=self.impression_decay,
            exploration=self.exploration,
            rows=tuple(row.record() for row in self.rows),
            log_sample_rate=self.log_sample_rate,
        )


class DiversityView(View):
    relevance: Annotated[float | None, Field(description="Lambda of maximal marginal relevance.", examples=[0.7])]
    property: Annotated[str | None, Field(description="The property whose values are capped.", examples=["brand"])]
    max_per_value: Annotated[int, Field(description="The most items with the same value.", examples=[2])]


class RowSettingsView(View):
    kind: Annotated[str, Field(description="The kind of the row.", examples=["similar_to_recent"])]
    title: Annotated[str, Field(description="The title of the row.", examples=["Because you liked {item}"])]
    limit: Annotated[int, Field(description="The number of items.", examples=[10])]
    category: Annotated[str | None, Field(description="The category of a list.", examples=["kitchen"])]
    count: Annotated[int, Field(description="The number of `similar_to_recent` rows.", examples=[2])]


class ScenarioSettingsView(View):
    limit: Annotated[int, Field(description="The number of items.", examples=[10])]
    recommenders: Annotated[tuple[str, ...], Field(description="The sources of a list, in this order.")]
    event_types: Annotated[tuple[str, ...] | None, Field(description="The event types that count; null for all.")]
    event_weights: Annotated[dict[str, float], Field(description="Weights that replace the defaults of event types.")]
    include_seen: Annotated[bool, Field(description="Whether items that the user has events with are recommended.")]
    filter: Annotated[str | None, Field(description="The CEL expression that items have to pass.")]
    boost: Annotated[str | None, Field(description="The CEL expression that multiplies scores.")]
    diversity: Annotated[DiversityView | None, Field(description="How different the items have to be from each other.")]
    impression_decay: Annotated[
        float | None, Field(description="The number of ignored impressions that halves a score.", examples=[3.0])
    ]
    exploration: Annotated[float, Field(description="The share of positions for new items.", examples=[0.1])]
    rows: Annotated[tuple[RowSettingsView, ...], Field(description="The rows of a page.")]
    log_sample_rate: Annotated[float, Field(description="The share of responses that are stored.", examples=[0.01])]


class ScenarioView(BaseModel):
    scenario_id: Annotated[str, Field(description="The id of the scenario.", examples=["home"])]
    version: Annotated[int, Field(description="The version of the settings; each change adds one.", examples=[3])]
    updated_at: Annotated[datetime, Field(description="When this version was stored.")]
    settings: Annotated[ScenarioSettingsView, Field(description="The settings, with all defaults.")]

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        return cls(
            scenario_id=scenario.scenario_id,
            version=scenario.version,
            updated_at=scenario.updated_at,
            settings=ScenarioSettingsView.model_validate(scenario.settings),
        )


class StoredScenarioView(ScenarioView):
    preview: Annotated[
        RecommendationListView | None, Field(description="With `preview_user`: the list that this user would get.")
    ] = None
    preview_rows: Annotated[
        list[PageRowView] | None, Field(description="With `preview_user`: the rows that this user would get.")
    ] = None


class ScenarioPage(BaseModel):
    scenarios: Annotated[list[ScenarioView], Field(description="The scenarios, by id.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]

"""The bodies of scenarios."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints

from app.api.schemas.fields import PRINTABLE, WHOLE, Body, Boost, Category, Filter, Id, View
from app.api.schemas.recommendations import PageRowView, RecommendationListView
from app.api.schemas.records import MAX_LIMIT
from app.domain.recommendations import RECOMMENDERS, Diversity
from app.domain.scenarios import RowSettings, Scenario, ScenarioSettings

Recommender = Literal["neighbors", "trending", "popular", "latest"]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTABLE)]
Share = Annotated[float, Field(ge=0, le=1, strict=False)]


class DiversityIn(Body):
    """How unlike each other the items are."""

    relevance: Annotated[
        Share | None,
        Field(description="Lambda of maximal marginal relevance over categories and titles: 1 is the order of scores."),
    ] = None
    property: Annotated[
        Text | None, Field(description="`categories` or a property's name: of each value at most `most` items.")
    ] = None
    most: Annotated[int, Field(ge=1, le=MAX_LIMIT), WHOLE] = 1

    def record(self) -> Diversity:
        return Diversity(self.relevance, self.property, self.most)


class RowIn(Body):
    """One row of a page."""

    kind: Literal["recommendations", "because", "trending", "popular", "latest"]
    title: Annotated[
        Text, Field(description="In a `because` row, `{item}` is the title of the item that it resembles.")
    ]
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), WHOLE] = 10
    category: Annotated[Category | None, Field(description="Of a list.")] = None
    repeat: Annotated[int, Field(ge=1, le=5, description="How many `because` rows, each of another item."), WHOLE] = 1

    def record(self) -> RowSettings:
        return RowSettings(self.kind, self.title, self.limit, self.category, self.repeat)


class ScenarioSettingsIn(Body):
    """The settings of a placement; what is left out has its default."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), WHOLE] = 10
    recommenders: Annotated[
        tuple[Recommender, ...],
        Field(min_length=1, max_length=4, strict=False, description="What fills an answer, in this order."),
    ] = RECOMMENDERS
    event_types: Annotated[list[Id], Field(max_length=20)] | None = None
    event_weights: Annotated[
        dict[Id, Annotated[float, Field(ge=-10, le=10, strict=False)]],
        Field(
            max_length=50,
            description="Of event types, in place of the usual ones.",
            json_schema_extra={"additionalProperties": False},
        ),
    ] = Field(default_factory=dict)
    include_seen: bool = False
    filter: Filter | None = None
    boost: Boost | None = None
    diversity: DiversityIn | None = None
    rotation: Annotated[
        Annotated[float, Field(ge=0.1, le=1_000, strict=False)] | None,
        Field(description="So many impressions that nothing follows halve a score; null: they do not matter."),
    ] = 3.0
    exploration: Annotated[Share, Field(description="Share of the places that new items get.")] = 0.0
    rows: Annotated[list[RowIn], Field(max_length=20, description="Of a whole page.")] = Field(default_factory=list)
    log_share: Annotated[Share, Field(description="Share of the answers that are kept, to be shown again.")] = 0.0

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
            rotation=self.rotation,
            exploration=self.exploration,
            rows=tuple(row.record() for row in self.rows),
            log_share=self.log_share,
        )


class DiversityView(View):
    relevance: float | None
    property: str | None
    most: int


class RowSettingsView(View):
    kind: str
    title: str
    limit: int
    category: str | None
    repeat: int


class ScenarioSettingsView(View):
    limit: int
    recommenders: tuple[str, ...]
    event_types: tuple[str, ...] | None
    event_weights: dict[str, float]
    include_seen: bool
    filter: str | None
    boost: str | None
    diversity: DiversityView | None
    rotation: float | None
    exploration: float
    rows: tuple[RowSettingsView, ...]
    log_share: float


class ScenarioView(BaseModel):
    scenario_id: str
    version: int
    updated_at: datetime
    settings: ScenarioSettingsView

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        return cls(
            scenario_id=scenario.scenario_id,
            version=scenario.version,
            updated_at=scenario.updated_at,
            settings=ScenarioSettingsView.model_validate(scenario.placement),
        )


class StoredScenarioView(ScenarioView):
    preview: Annotated[RecommendationListView | None, Field(description="With `preview_user`: what he would get.")] = (
        None
    )
    preview_rows: list[PageRowView] | None = None


class ScenarioPage(BaseModel):
    scenarios: list[ScenarioView]
    next_cursor: str | None

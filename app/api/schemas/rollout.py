"""The bodies of traffic and its outcomes."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, Field

from app.api.schemas.fields import Body, Id, View
from app.domain.models import ActiveModel
from app.recommender import intervals
from app.recommender.outcomes import Outcome
from app.services.models.outcomes import Comparison, Group, Verdict
from app.services.models.rollout import WHOLE, Split

MAX_VERSIONS = 10
Share = Annotated[float, Field(gt=0, le=WHOLE, strict=False)]


class RolloutIn(Body):
    """How the traffic is divided among model versions."""

    shares: Annotated[
        dict[Id, Share],
        Field(
            min_length=1,
            max_length=MAX_VERSIONS,
            description="Relative shares of the users by version. Users keep their version.",
            examples=[{"v20261123T101500123456-a1b2": 90, "v20261124T101500123456-c3d4": 10}],
            json_schema_extra={"additionalProperties": False},
        ),
    ]
    interleaved: Annotated[
        bool,
        Field(description="Users of other versions than the active one get lists mixed of both, item by item."),
    ] = False
    shadows: Annotated[
        list[Id],
        Field(
            max_length=MAX_VERSIONS, description="Versions whose lists are compared with the served ones but not shown."
        ),
    ] = Field(default_factory=list)
    shadow_share: Annotated[
        float,
        Field(gt=0, le=WHOLE, strict=False, description="Percent of the answers that one of them is compared with."),
    ] = 10.0

    def record(self) -> Split:
        return Split(self.shares, self.interleaved, self.shadows, self.shadow_share)


class RolloutView(BaseModel):
    active: Annotated[str, Field(description="Serves whoever has no id, and is what others are compared with.")]
    shares: Annotated[dict[str, float], Field(description="In percent.")]
    interleaved: bool
    shadows: list[str]
    shadow_share: Annotated[float, Field(description="In percent of the answers.")]

    @classmethod
    def of(cls, active: ActiveModel) -> Self:
        return cls(
            active=active.version,
            shares={variant.version: variant.share * WHOLE for variant in active.variants} or {active.version: WHOLE},
            interleaved=active.interleaved,
            shadows=[shadow.version for shadow in active.shadows],
            shadow_share=sum(shadow.share for shadow in active.shadows) * WHOLE,
        )


class EstimateView(View):
    """With the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


class OutcomeView(BaseModel):
    version: str | None = None
    scenario: Annotated[str | None, Field(description="Empty for answers without a scenario.")] = None
    source: str | None = None
    impressions: int
    clicks: int
    conversions: int
    revenue: float
    click_through: Annotated[EstimateView | None, Field(description="Clicks an impression.")]
    conversion: Annotated[EstimateView | None, Field(description="Purchases an impression.")]
    revenue_per_impression: EstimateView | None

    @classmethod
    def of(cls, names: Mapping[str, str], outcome: Outcome) -> Self:
        shown = outcome.impressions
        return cls(
            **names,
            impressions=shown,
            clicks=outcome.clicks,
            conversions=outcome.conversions,
            revenue=outcome.revenue,
            click_through=_estimate(intervals.of_rate(outcome.clicks, shown)),
            conversion=_estimate(intervals.of_rate(outcome.conversions, shown)),
            revenue_per_impression=_estimate(intervals.of_mean(outcome.revenue, outcome.squares, shown)),
        )


class ComparisonView(View):
    """A version's click-through against the active one's."""

    version: str
    against: str
    difference: float
    p: Annotated[float, Field(description="Holds however often one looks (a sequential test).")]
    verdict: Verdict


class OutcomesView(BaseModel):
    days: int
    outcomes: list[OutcomeView]
    comparisons: list[ComparisonView]

    @classmethod
    def of(
        cls, days: int, by: Sequence[str], groups: Mapping[Group, Outcome], comparisons: Sequence[Comparison]
    ) -> Self:
        return cls(
            days=days,
            outcomes=[OutcomeView.of(dict(zip(by, group, strict=True)), outcome) for group, outcome in groups.items()],
            comparisons=[ComparisonView.model_validate(comparison) for comparison in comparisons],
        )


def _estimate(estimate: intervals.Estimate | None) -> EstimateView | None:
    return EstimateView.model_validate(estimate) if estimate else None

"""The bodies of the rollout and its outcomes."""

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
Share = Annotated[float, Field(gt=0, le=WHOLE)]


class RolloutIn(Body):
    """The shares of users by model version."""

    shares: Annotated[
        dict[Id, Share],
        Field(
            min_length=1,
            max_length=MAX_VERSIONS,
            description="The shares of users by version, in proportion to each other. Users stay with their version.",
            examples=[{"v20261123T101500123456-a1b2": 90, "v20261124T101500123456-c3d4": 10}],
            json_schema_extra={"additionalProperties": False},
        ),
    ]
    interleaved: Annotated[
        bool,
        Field(description="Mix the lists of other versions with the active version's, item by item.", examples=[False]),
    ] = False
    shadows: Annotated[
        list[Id],
        Field(
            max_length=MAX_VERSIONS,
            description="Versions whose lists are compared but never shown.",
            examples=[["v20261124T101500123456-c3d4"]],
        ),
    ] = Field(default_factory=list)
    shadow_share: Annotated[
        float,
        Field(
            gt=0,
            le=WHOLE,
            description="The percentage of responses that a shadow is compared with.",
            examples=[10],
        ),
    ] = 10.0

    def record(self) -> Split:
        return Split(self.shares, self.interleaved, self.shadows, self.shadow_share)


class RolloutView(BaseModel):
    active: Annotated[
        str, Field(description="The active version: it serves users without an id, and others are compared with it.")
    ]
    shares: Annotated[dict[str, float], Field(description="The shares in percent.")]
    interleaved: Annotated[
        bool, Field(description="Whether lists of other versions are mixed with the active one's.", examples=[False])
    ]
    shadows: Annotated[list[str], Field(description="Versions whose lists are only compared.")]
    shadow_share: Annotated[float, Field(description="The percentage of responses that shadows are compared with.")]

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
    """An estimate with its 95 % interval."""

    value: Annotated[float, Field(description="The estimate.", examples=[0.12])]
    low: Annotated[float, Field(description="The lower bound.", examples=[0.1])]
    high: Annotated[float, Field(description="The upper bound.", examples=[0.14])]


class OutcomeView(BaseModel):
    version: Annotated[
        str | None, Field(description="The model version.", examples=["v20261123T101500123456-a1b2"])
    ] = None
    scenario: Annotated[str | None, Field(description="The scenario; empty without one.")] = None
    source: Annotated[str | None, Field(description="The recommender.", examples=["neighbors"])] = None
    impressions: Annotated[int, Field(description="The number of impressions.", examples=[1000])]
    clicks: Annotated[int, Field(description="The number of clicks.", examples=[120])]
    conversions: Annotated[int, Field(description="The number of purchases.", examples=[12])]
    revenue: Annotated[float, Field(description="The sum of the values of purchases.", examples=[480.0])]
    click_through: Annotated[EstimateView | None, Field(description="Clicks per impression.")]
    conversion: Annotated[EstimateView | None, Field(description="Purchases per impression.")]
    revenue_per_impression: Annotated[EstimateView | None, Field(description="Revenue per impression.")]

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
    """The click-through of a version compared with the active version's."""

    version: Annotated[str, Field(description="The version.", examples=["v20261124T101500123456-c3d4"])]
    against: Annotated[str, Field(description="The active version.", examples=["v20261123T101500123456-a1b2"])]
    difference: Annotated[float, Field(description="The difference of the click-through rates.", examples=[0.02])]
    p: Annotated[float, Field(description="The p-value of a sequential test, valid at every look.")]
    verdict: Annotated[Verdict, Field(description="Whether the version is better or worse.")]


class OutcomesView(BaseModel):
    days: Annotated[int, Field(description="The number of days.", examples=[7])]
    outcomes: Annotated[list[OutcomeView], Field(description="The outcomes of each group.")]
    comparisons: Annotated[list[ComparisonView], Field(description="Versions compared with the active version.")]

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

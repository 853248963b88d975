"""The bodies of outcomes."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from app.api.schemas.fields import View
from app.recommender import intervals
from app.recommender.intervals import Difference
from app.recommender.outcomes import Outcome
from app.services.models.outcomes import Comparison, Differences, Group, Verdict

Compared = Literal["version", "scenario", "source"]


class EstimateView(View):
    """An estimate with its 95 % interval."""

    value: Annotated[float, Field(description="The estimate.", examples=[0.12])]
    low: Annotated[float, Field(description="The lower bound.", examples=[0.1])]
    high: Annotated[float, Field(description="The upper bound.", examples=[0.14])]


class OutcomeView(BaseModel):
    day: Annotated[date | None, Field(description="The day (UTC).", examples=["2026-11-24"])] = None
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


class DifferenceView(BaseModel):
    """A difference with its 95 % interval. Interval and test stay valid however often you look."""

    difference: Annotated[float, Field(description="The difference per impression.", examples=[0.02])]
    low: Annotated[float, Field(description="The lower bound of the difference.", examples=[0.005])]
    high: Annotated[float, Field(description="The upper bound of the difference.", examples=[0.035])]
    p: Annotated[float, Field(description="The p-value of a sequential test, valid at every look.", examples=[0.01])]
    verdict: Annotated[Verdict, Field(description="Whether it is better or worse.", examples=["better"])]

    @classmethod
    def of(cls, difference: Difference, **others: str) -> Self:
        return cls.model_validate(
            {
                **others,
                "difference": difference.value,
                "low": difference.low,
                "high": difference.high,
                "p": difference.p,
                "verdict": Verdict.of(difference),
            }
        )


class ComparisonView(DifferenceView):
    """The click-through of a version compared with the active version's."""

    version: Annotated[str, Field(description="The version.", examples=["v20261124T101500123456-c3d4"])]
    against: Annotated[str, Field(description="The active version.", examples=["v20261123T101500123456-a1b2"])]


class OutcomesView(BaseModel):
    days: Annotated[int, Field(description="The number of days.", examples=[7])]
    total: Annotated[OutcomeView, Field(description="The outcomes of all groups together.")]
    outcomes: Annotated[list[OutcomeView], Field(description="The outcomes of each group.")]
    comparisons: Annotated[list[ComparisonView], Field(description="Versions compared with the active version.")]

    @classmethod
    def of(
        cls, days: int, by: Sequence[str], groups: Mapping[Group, Outcome], comparisons: Sequence[Comparison]
    ) -> Self:
        return cls(
            days=days,
            total=OutcomeView.of({}, sum(groups.values(), Outcome())),
            outcomes=[OutcomeView.of(dict(zip(by, group, strict=True)), outcome) for group, outcome in groups.items()],
            comparisons=[
                ComparisonView.of(comparison.difference, version=comparison.version, against=comparison.against)
                for comparison in comparisons
            ],
        )


class OutcomeComparison(BaseModel):
    """The outcomes of one version, scenario or recommender compared with those of another."""

    by: Annotated[Compared, Field(description="What is compared.", examples=["version"])]
    name: Annotated[str, Field(description="The one that is compared.", examples=["v20261124T101500123456-c3d4"])]
    against: Annotated[str, Field(description="The one it is compared with.", examples=["v20261123T101500123456-a1b2"])]
    click_through: Annotated[
        DifferenceView | None, Field(description="The difference in clicks; null if either was never shown.")
    ]
    conversion: Annotated[
        DifferenceView | None, Field(description="The difference in purchases; null if either was never shown.")
    ]
    revenue_per_impression: Annotated[
        DifferenceView | None,
        Field(description="The difference in revenue; null without purchases of different values."),
    ]

    @classmethod
    def of(cls, by: Compared, name: str, against: str, differences: Differences) -> Self:
        return cls(
            by=by,
            name=name,
            against=against,
            click_through=_difference(differences.click_through),
            conversion=_difference(differences.conversion),
            revenue_per_impression=_difference(differences.revenue),
        )


def _difference(difference: Difference | None) -> DifferenceView | None:
    return DifferenceView.of(difference) if difference else None


def _estimate(estimate: intervals.Estimate | None) -> EstimateView | None:
    return EstimateView.model_validate(estimate) if estimate else None

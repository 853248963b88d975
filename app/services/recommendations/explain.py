"""Explanations: the events behind each recommendation, their shares, and what happens without them."""

from collections.abc import Sequence
from dataclasses import replace

from app.domain.recommendations import BOUGHT_TOGETHER, EXPLORATION, NEIGHBORS, Reason, Recommendation
from app.services.recommendations import slate as slates
from app.services.recommendations.context import RequestContext
from app.services.recommendations.slate import Slate

MAX_COUNTERFACTUALS = 20
"""Events of an explained list for which the list is built again without them."""


def explain(context: RequestContext, slate: Slate) -> list[Recommendation]:
    """Returns the recommendations of a slate with their reasons; with `explain`, also with counterfactuals."""
    explained = [_with_reasons(context, slate, recommendation) for recommendation in slate.recommendations]
    if context.query.explain:
        explained = _with_counterfactuals(context, explained)
    named = {reason.item_id for recommendation in explained for reason in recommendation.reasons}
    titles = {item_id: cached.item.title for item_id, cached in context.items(sorted(named)).items()}
    return [
        replace(
            recommendation,
            reasons=tuple(replace(reason, title=titles.get(reason.item_id)) for reason in recommendation.reasons),
        )
        for recommendation in explained
    ]


def _with_reasons(context: RequestContext, slate: Slate, recommendation: Recommendation) -> Recommendation:
    if recommendation.source not in {NEIGHBORS, EXPLORATION, BOUGHT_TOGETHER}:
        return recommendation
    evidence = slate.evidence
    if recommendation.from_challenger and slate.challenger_evidence:
        evidence = slate.challenger_evidence
    return evidence.explain(recommendation, fully=context.query.explain)


def _with_counterfactuals(context: RequestContext, explained: Sequence[Recommendation]) -> list[Recommendation]:
    """Finds out whether each item would be in the list without each of its events, by building the list again."""
    shares: dict[str, float] = {}
    for recommendation in explained:
        for reason in recommendation.reasons:
            if reason.event_id:
                shares[reason.event_id] = shares.get(reason.event_id, 0.0) + abs(reason.share)
    kept_without: dict[str, set[str]] = {}
    for event_id in sorted(shares, key=lambda event_id: -shares[event_id])[:MAX_COUNTERFACTUALS]:
        without = context.without({event_id})
        slate = slates.build(without, slates.excluded_items(without))
        kept_without[event_id] = {recommendation.item_id for recommendation in slate.recommendations}

    def with_kept(item_id: str, reason: Reason) -> Reason:
        if reason.event_id not in kept_without:
            return reason
        return replace(reason, kept_without=item_id in kept_without[reason.event_id])

    return [
        replace(
            recommendation,
            reasons=tuple(with_kept(recommendation.item_id, reason) for reason in recommendation.reasons),
        )
        for recommendation in explained
    ]

"""Explanations: the events behind each recommendation, their shares, and what happens without them."""

from collections.abc import Sequence

from app.domain.fields import REASONS
from app.domain.recommendations import BOUGHT_TOGETHER, EXPLORATION, NEIGHBORS, Reason, Recommendation
from app.services.recommendations import slate as slates
from app.services.recommendations.context import RequestContext
from app.services.recommendations.evidence import Evidence
from app.services.recommendations.slate import Slate

MAX_COUNTERFACTUALS = 20
"""Events of an explained list for which the list is built again without them."""

EXPLAINED = (REASONS, "impression_factor", "recent_factor")
"""The fields that evidence adds to a recommendation."""


def explain(context: RequestContext, slate: Slate) -> list[Recommendation]:
    """Returns the recommendations of a slate with their reasons; with `explain`, also with counterfactuals.

    What the response does not carry is neither computed nor read.
    """
    query, fully = context.query, context.query.explain
    if not query.wants_any(EXPLAINED):
        return list(slate.recommendations)
    shown = [(recommendation, _evidence(slate, recommendation)) for recommendation in slate.recommendations]
    named = {
        item_id
        for recommendation, evidence in shown
        if evidence is not None
        for item_id in evidence.reason_items([recommendation.item_id], fully=fully)
        if query.wants(REASONS, "title")
    }
    titles = {item_id: cached.item.title for item_id, cached in context.items(sorted(named)).items()}
    explained = [
        recommendation
        if evidence is None
        else evidence.explain(recommendation, titles, fully=fully, with_reasons=query.wants(REASONS))
        for recommendation, evidence in shown
    ]
    counterfactual = fully and query.wants(REASONS, "kept_without")
    return _with_counterfactuals(context, explained) if counterfactual else explained


def _evidence(slate: Slate, recommendation: Recommendation) -> Evidence | None:
    """Returns what a recommendation's reasons come from; None if its source has none."""
    if recommendation.source not in {NEIGHBORS, EXPLORATION, BOUGHT_TOGETHER}:
        return None
    if recommendation.from_challenger and slate.challenger_evidence:
        return slate.challenger_evidence
    return slate.evidence


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
        return reason._replace(kept_without=item_id in kept_without[reason.event_id])

    return [
        recommendation._replace(
            reasons=tuple(with_kept(recommendation.item_id, reason) for reason in recommendation.reasons)
        )
        for recommendation in explained
    ]

"""Responses: a list with its recommendation_id; a sample of them goes to the decision log."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from app import telemetry
from app.clock import Clock
from app.config import Settings
from app.domain.fields import PROPERTIES, Selection
from app.domain.items import Item
from app.domain.recommendations import (
    CATALOG,
    NEIGHBORS,
    RECOMMENDERS,
    Recommendation,
    RecommendationList,
    RecommendationQuery,
    RecommendationResponse,
    RecommendedItem,
)
from app.services.recommendations.decision_log import DecisionLog
from app.services.tokens.recommendation_id import RecommendationId, entry
from app.services.tokens.signed import SignedTokens

FALLBACKS = frozenset(RECOMMENDERS) - {NEIGHBORS} | {CATALOG}
"""Sources that fill up a list."""


class Responses:
    def __init__(self, tokens: SignedTokens, decisions: DecisionLog, settings: Settings, clock: Clock) -> None:
        self._tokens, self._decisions, self._settings, self._clock = tokens, decisions, settings, clock

    def respond(
        self,
        project: str,
        user_id: str,
        query: RecommendationQuery,
        recommendations: RecommendationList,
        *,
        properties: bool = False,
    ) -> RecommendationResponse:
        """Creates the recommendation_id of a list and returns the response; a sample is stored in the decision log."""
        now, active = self._clock.now(), recommendations.active
        self._log(recommendations, now)
        served = RecommendationId(
            version=active.version if active else None,
            served_at=now,
            scenario=query.scenario,
            entries=b"".join(map(_entry, recommendations.recommendations)),
            earlier=b"".join(sorted(query.shown)),
            challenger=recommendations.challenger,
            owner=self._decisions.owner(project, user_id) if user_id else None,
        )
        decision_id = None
        if not recommendations.degraded:
            decision_id = self._decisions.sample(max(self._settings.decision_log_share, query.log_sample_rate))
        if decision_id is not None:
            served = replace(served, owner=self._decisions.owner(project, user_id), decision=decision_id)
        response = RecommendationResponse(
            recommendation_id=self._tokens.recommendation(project, served),
            model_version=served.version,
            degraded=recommendations.degraded,
            offset=len(query.shown),
            items=tuple(
                _item(recommendation, recommendations.challenger, query.selection, properties=properties)
                for recommendation in recommendations.recommendations
            ),
            warnings=recommendations.warnings,
            selection=query.selection,
        )
        if decision_id is not None:
            self._decisions.put(project, user_id, decision_id, response)
        return response

    def _log(self, recommendations: RecommendationList, now: datetime) -> None:
        log, active = telemetry.current(), recommendations.active
        log.model_version = active.version if active else None
        log.staleness_seconds = (now - active.activated_at).total_seconds() if active else None
        log.lists += 1
        log.recommendations = len(recommendations.recommendations)
        log.fallbacks = sum(recommendation.source in FALLBACKS for recommendation in recommendations.recommendations)


def _entry(recommendation: Recommendation) -> bytes:
    return entry(recommendation.item_id, recommendation.source, from_challenger=recommendation.from_challenger)


def _item(
    recommendation: Recommendation, challenger: str | None, selection: Selection | None, *, properties: bool
) -> RecommendedItem:
    item = recommendation.item
    with_categories = properties if selection is None else selection.has("categories")
    return RecommendedItem(
        item_id=recommendation.item_id,
        title=item.title if item else None,
        score=recommendation.score,
        source=recommendation.source,
        model_version=challenger if recommendation.from_challenger else None,
        boost=recommendation.boost,
        impression_factor=recommendation.impression_factor,
        recent_factor=recommendation.recent_factor,
        reasons=recommendation.reasons,
        categories=item.categories if item and with_categories else None,
        properties=_properties(item, selection, properties=properties) if item else None,
    )


def _properties(item: Item, selection: Selection | None, *, properties: bool) -> dict[str, Any] | None:
    if selection is None:
        return dict(item.properties) if properties else None
    return selection.of_properties(item.properties) if selection.has(PROPERTIES) else None

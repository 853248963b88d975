"""Recommendations as an answer's body."""

from app import telemetry
from app.api.deps import Services
from app.api.schemas import AnswerView, ReasonView, RecommendationView
from app.domain import Answer, Recommendation
from app.services.recommend import FALLBACKS


def view(services: Services, project: str, answer: Answer, properties: bool) -> AnswerView:  # noqa: FBT001
    now = services.clock()
    version = answer.active.version if answer.active else None
    work = telemetry.current()
    work.model_version, work.recommendations = version, len(answer.recommendations)
    work.fallbacks = sum(one.source in FALLBACKS for one in answer.recommendations)
    work.staleness_seconds = (now - answer.active.activated_at).total_seconds() if answer.active else None
    return AnswerView(
        recommendation_id=services.tokens.recommendation(project, version, now),
        model_version=version,
        degraded=answer.degraded,
        items=[_one(one, properties) for one in answer.recommendations],
    )


def _one(one: Recommendation, properties: bool) -> RecommendationView:  # noqa: FBT001
    item = one.item
    return RecommendationView(
        item_id=one.item_id,
        title=item.title if item else None,
        score=one.score,
        source=one.source,
        reasons=[ReasonView.model_validate(reason) for reason in one.reasons],
        categories=item.categories if item and properties else None,
        properties=dict(item.properties) if item and properties else None,
    )

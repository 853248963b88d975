"""Recommendations as an answer's body."""

from app.api.deps import Services
from app.api.schemas import AnswerView, ReasonView, RecommendationView
from app.domain import Answer, Recommendation


def view(services: Services, project: str, answer: Answer, properties: bool) -> AnswerView:  # noqa: FBT001
    return AnswerView(
        recommendation_id=services.tokens.recommendation(project, answer.model_version, services.clock()),
        model_version=answer.model_version,
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

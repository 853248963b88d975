"""Recommendations as an answer's body."""

from dataclasses import replace

from app import telemetry
from app.api.schemas.recommendations import PageRowView, ReasonView, RecommendationListView, RecommendationView
from app.domain.recommendations import Recommendation, RecommendationList, RecommendationQuery
from app.domain.scenarios import PageRow
from app.errors import NotFound, Unavailable
from app.services.bundle import Services
from app.services.recommendations.recommend import FALLBACKS
from app.services.tokens.recommendation_id import RecommendationId, entry


def view(
    services: Services,
    project: str,
    answer: RecommendationList,
    wish: RecommendationQuery,
    user_id: str = "",
    *,
    properties: bool = False,
) -> RecommendationListView:
    """An answer with its recommendation id. A sampled share of them is kept, to be shown again."""
    now = services.clock()
    version = answer.active.version if answer.active else None
    work = telemetry.current()
    work.model_version, work.recommendations = version, len(answer.recommendations)
    work.fallbacks = sum(one.source in FALLBACKS for one in answer.recommendations)
    work.staleness_seconds = (now - answer.active.activated_at).total_seconds() if answer.active else None
    served = RecommendationId(
        version,
        now,
        wish.scenario,
        entries=b"".join(entry(one.item_id, one.source, of_other=one.of_other) for one in answer.recommendations),
        earlier=b"".join(sorted(wish.shown)),
        other=answer.other,
    )
    decision = None if answer.degraded else services.decisions.sampled(_log_share(services, project, wish))
    if decision is not None:
        served = replace(served, owner=services.decisions.owner(project, user_id), decision=decision)
    made = RecommendationListView(
        recommendation_id=services.tokens.recommendation(project, served),
        model_version=version,
        degraded=answer.degraded,
        offset=len(wish.shown),
        items=[_one(one, answer, properties=properties) for one in answer.recommendations],
    )
    if decision is not None:
        services.decisions.keep(project, user_id, decision, made.model_dump_json().encode())
    return made


def row(
    services: Services, project: str, made: PageRow, wish: RecommendationQuery, user_id: str, *, properties: bool
) -> PageRowView:
    """A row of a page; each has a recommendation id of its own."""
    shown = view(services, project, made.answer, wish, user_id, properties=properties)
    return PageRowView(kind=made.kind, title=made.title, source_item=made.source_item, **dict(shown))


def _log_share(services: Services, project: str, wish: RecommendationQuery) -> float:
    share = services.settings.decision_log_share
    if wish.scenario is None:
        return share
    try:
        return max(share, services.scenarios.remembered(project, wish.scenario).placement.log_share)
    except (NotFound, Unavailable):  # it was deleted, or could not be read, while this was answered
        return share


def _one(one: Recommendation, answer: RecommendationList, *, properties: bool) -> RecommendationView:
    item = one.item
    return RecommendationView(
        item_id=one.item_id,
        title=item.title if item else None,
        score=one.score,
        source=one.source,
        model_version=answer.other if one.of_other else None,
        boost=one.boost,
        rotation=one.rotation,
        reasons=[ReasonView.model_validate(reason) for reason in one.reasons],
        categories=item.categories if item and properties else None,
        properties=dict(item.properties) if item and properties else None,
    )

"""Recommendations for users and sessions, pages, rankings and lists."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from app.api.http.dependencies import BoostQuery, CategoryName, FilterQuery, Limit, ServicesDep, WithProperties
from app.api.http.operations import Operation
from app.api.http.responses import responses
from app.api.http.security import OwnSessionId, OwnUserId, PrincipalDep, ProjectForRecommending, ProjectForWriting
from app.api.schemas.fields import Freshness, Id
from app.api.schemas.recommendations import (
    MAX_TOKEN,
    RankingIn,
    RecommendationListView,
    RecommendationQueryIn,
    SessionIn,
)
from app.api.schemas.scenarios import PageView
from app.domain.recommendations import RecommendationRequest
from app.domain.users import of_session

router = APIRouter(prefix="/v1", tags=["recommendations"], route_class=Operation)
SESSION = "session"
ListQuery = Annotated[RecommendationQueryIn, Query()]
ListKind = Annotated[Literal["popular", "trending", "latest"], Path(description="The list.")]
FreshAfter = Annotated[Freshness, Query()]
PageScenario = Annotated[Id, Path(description="A stored scenario that has rows.", examples=["home"])]
RecommendationId = Annotated[
    str,
    Path(
        pattern=rf"^[A-Za-z0-9._-]{{1,{MAX_TOKEN}}}$", description="The `recommendation_id` of a list that was stored."
    ),
]


@router.get("/users/{user_id}/recommendations", responses=responses(404, 409))
def recommend_for_user(
    user_id: OwnUserId,
    project: ProjectForRecommending,
    principal: PrincipalDep,
    services: ServicesDep,
    query: ListQuery,
) -> RecommendationListView:
    """Recommend items to a user, each with its reasons. New users get trending, popular and latest items."""
    request = query.request()
    services.access.check_rules(principal, request)
    response = services.recommendations.for_user(project, user_id, request)
    return RecommendationListView.model_validate(response)


@router.get("/sessions/{session_id}/recommendations", responses=responses(404, 409))
def recommend_for_stored_session(
    session_id: OwnSessionId,
    project: ProjectForRecommending,
    principal: PrincipalDep,
    services: ServicesDep,
    query: ListQuery,
) -> RecommendationListView:
    """Recommend items to an anonymous visitor, from the events that were sent with their `session_id`."""
    request = query.request()
    services.access.check_rules(principal, request)
    response = services.recommendations.for_user(project, of_session(session_id), request)
    return RecommendationListView.model_validate(response)


@router.get("/users/{user_id}/pages/{scenario_id}", responses=responses(404))
def get_page(
    user_id: OwnUserId,
    scenario_id: PageScenario,
    project: ProjectForRecommending,
    services: ServicesDep,
    fresh_after: FreshAfter = None,
    properties: WithProperties = False,
) -> PageView:
    """Get all rows of a scenario in one call, without repeating an item."""
    response = services.recommendations.page(project, user_id, scenario_id, fresh_after, properties=properties)
    return PageView.model_validate(response)


@router.get("/sessions/{session_id}/pages/{scenario_id}", responses=responses(404))
def get_session_page(
    session_id: OwnSessionId,
    scenario_id: PageScenario,
    project: ProjectForRecommending,
    services: ServicesDep,
    fresh_after: FreshAfter = None,
    properties: WithProperties = False,
) -> PageView:
    """Get all rows of a scenario for an anonymous visitor, from the events sent with their `session_id`."""
    owner = of_session(session_id)
    response = services.recommendations.page(project, owner, scenario_id, fresh_after, properties=properties)
    return PageView.model_validate(response)


@router.get("/recommendations/{recommendation_id}", responses=responses(404))
def replay_recommendations(
    recommendation_id: RecommendationId, project: ProjectForWriting, services: ServicesDep
) -> RecommendationListView:
    """Get a stored response exactly as it was sent, whatever has changed since."""
    return RecommendationListView.model_validate(services.recommendations.replay(project, recommendation_id))


@router.post("/recommendations", responses=responses(404, 409))
def recommend_for_session(
    body: SessionIn, project: ProjectForRecommending, principal: PrincipalDep, services: ServicesDep
) -> RecommendationListView:
    """Recommend items to an anonymous visitor from the events in the body, which are not stored."""
    now = services.clock.now()
    events = [event.record(SESSION, now) for event in body.events]
    request = body.request()
    services.access.check_rules(principal, request)
    response = services.recommendations.for_session(project, events, request, principal.owner)
    return RecommendationListView.model_validate(response)


@router.post("/rankings")
def rank_items(
    body: RankingIn, project: ProjectForRecommending, principal: PrincipalDep, services: ServicesDep
) -> RecommendationListView:
    """Rank items for a user, best first. Items without a score follow in the requested order, disliked ones last.

    Hidden items are left out, unless `include_hidden` is set.
    """
    services.access.check_user(principal, body.owner)
    response = services.recommendations.rank(
        project, body.owner, body.item_ids, body.request(), include_hidden=body.include_hidden
    )
    return RecommendationListView.model_validate(response)


@router.get("/lists/{kind}")
def get_list(
    kind: ListKind,
    project: ProjectForRecommending,
    principal: PrincipalDep,
    services: ServicesDep,
    category: CategoryName = None,
    limit: Limit = 10,
    filter: FilterQuery = None,  # noqa: A002 - the parameter's name
    boost: BoostQuery = None,
    properties: WithProperties = False,
) -> RecommendationListView:
    """Get the items that are used most, that are used more than before, or that were created last.

    Popular and trending items follow the stream of events within seconds.
    """
    request = RecommendationRequest(overrides={"limit": limit, "boost": boost}, filter=filter, properties=properties)
    services.access.check_rules(principal, request)
    response = services.recommendations.from_list(project, kind, category, request, principal.owner)
    return RecommendationListView.model_validate(response)

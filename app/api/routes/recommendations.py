"""Recommendations for users and sessions, pages, rankings and lists."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from app.api.http.dependencies import (
    BoostQuery,
    CategoryName,
    Fields,
    FilterQuery,
    Limit,
    ServicesDep,
    WithProperties,
)
from app.api.http.responses import listed, paged, responses
from app.api.http.routing.direct import Direct
from app.api.http.security import OwnSessionId, OwnUserId, PrincipalDep, ProjectForRecommending, ProjectForWriting
from app.api.schemas.fields import Freshness, Id
from app.api.schemas.recommendations import (
    MAX_TOKEN,
    RankingIn,
    RecommendationListView,
    RecommendationQueryIn,
    SessionIn,
)
from app.api.schemas.records import selection, short_request
from app.api.schemas.scenarios import PageView
from app.domain.users import of_session

router = APIRouter(prefix="/v1", tags=["recommendations"], route_class=Direct)
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


@router.get("/users/{user_id}/recommendations", response_model=RecommendationListView, responses=responses(404, 409))
def recommend_for_user(
    user_id: OwnUserId,
    project: ProjectForRecommending,
    principal: PrincipalDep,
    services: ServicesDep,
    query: ListQuery,
) -> Response:
    """Recommend items to a user, each with its reasons. New users get trending, popular and latest items."""
    request = query.request()
    services.access.check_rules(principal, request)
    response = services.recommendations.for_user(project, user_id, request)
    return listed(response)


@router.get(
    "/sessions/{session_id}/recommendations", response_model=RecommendationListView, responses=responses(404, 409)
)
def recommend_for_stored_session(
    session_id: OwnSessionId,
    project: ProjectForRecommending,
    principal: PrincipalDep,
    services: ServicesDep,
    query: ListQuery,
) -> Response:
    """Recommend items to an anonymous visitor, from the events that were sent with their `session_id`."""
    request = query.request()
    services.access.check_rules(principal, request)
    response = services.recommendations.for_user(project, of_session(session_id), request)
    return listed(response)


@router.get("/users/{user_id}/pages/{scenario_id}", response_model=PageView, responses=responses(404))
def get_page(
    user_id: OwnUserId,
    scenario_id: PageScenario,
    project: ProjectForRecommending,
    services: ServicesDep,
    fresh_after: FreshAfter = None,
    properties: WithProperties = False,
    fields: Fields = None,
) -> Response:
    """Get all rows of a scenario in one call, without repeating an item."""
    chosen = selection(fields)
    page = services.recommendations.page(
        project, user_id, scenario_id, fresh_after, properties=properties, selection=chosen
    )
    return paged(page, chosen)


@router.get("/sessions/{session_id}/pages/{scenario_id}", response_model=PageView, responses=responses(404))
def get_session_page(
    session_id: OwnSessionId,
    scenario_id: PageScenario,
    project: ProjectForRecommending,
    services: ServicesDep,
    fresh_after: FreshAfter = None,
    properties: WithProperties = False,
    fields: Fields = None,
) -> Response:
    """Get all rows of a scenario for an anonymous visitor, from the events sent with their `session_id`."""
    owner, chosen = of_session(session_id), selection(fields)
    page = services.recommendations.page(
        project, owner, scenario_id, fresh_after, properties=properties, selection=chosen
    )
    return paged(page, chosen)


@router.get("/recommendations/{recommendation_id}", response_model=RecommendationListView, responses=responses(404))
def replay_recommendations(
    recommendation_id: RecommendationId, project: ProjectForWriting, services: ServicesDep
) -> Response:
    """Get a stored response exactly as it was sent, whatever has changed since."""
    response = services.recommendations.replay(project, recommendation_id)
    return listed(response)


@router.post("/recommendations", response_model=RecommendationListView, responses=responses(404, 409))
def recommend_for_session(
    body: SessionIn, project: ProjectForRecommending, principal: PrincipalDep, services: ServicesDep
) -> Response:
    """Recommend items to an anonymous visitor from the events in the body, which are not stored."""
    now = services.clock.now()
    events = [event.record(SESSION, now) for event in body.events]
    request = body.request()
    services.access.check_rules(principal, request)
    response = services.recommendations.for_session(project, events, request, principal.owner)
    return listed(response)


@router.post("/rankings", response_model=RecommendationListView)
def rank_items(
    body: RankingIn, project: ProjectForRecommending, principal: PrincipalDep, services: ServicesDep
) -> Response:
    """Rank items for a user, best first. Items without a score follow in the requested order, disliked ones last.

    Hidden items are left out, unless `include_hidden` is set.
    """
    services.access.check_user(principal, body.owner)
    response = services.recommendations.rank(
        project, body.owner, body.item_ids, body.request(), include_hidden=body.include_hidden
    )
    return listed(response)


@router.get("/lists/{kind}", response_model=RecommendationListView)
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
    fields: Fields = None,
) -> Response:
    """Get the items that are used most, that are used more than before, or that were created last.

    Popular and trending items follow the stream of events within seconds.
    """
    request = short_request(limit, filter, boost, fields, properties=properties)
    services.access.check_rules(principal, request)
    response = services.recommendations.from_list(project, kind, category, request, principal.owner)
    return listed(response)

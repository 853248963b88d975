"""Recommendations for users and sessions, whole pages, rankings, lists."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response

from app.api.answers import row, view
from app.api.http.dependencies import CategoryName, Limit, ServicesDep, WithProperties
from app.api.http.problems import WITH_BODY, responses
from app.api.http.security import Asking, CanRecommend, CanWrite, OwnSessionId, OwnUserId
from app.api.schemas.fields import Id
from app.api.schemas.recommendations import PageView, RankingIn, RecommendationListView, SessionIn
from app.api.wishes import After, BoostQuery, FilterQuery, Wished
from app.api.wishes import wish as wish_for
from app.domain.recommendations import RecommendationQuery
from app.domain.users import of_session
from app.errors import NotFound
from app.services.bundle import Services
from app.services.recommendations.scenarios import wish_of

router = APIRouter(prefix="/v1", tags=["recommendations"])
SESSION = "session"
PageScenario = Annotated[Id, Path(description="A stored scenario that has rows.")]
RecommendationId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,6000}$")]


@router.get(
    "/users/{user_id}/recommendations",
    operation_id="recommendForUser",
    summary="Recommend for user",
    responses=responses(400, 404),
)
def for_user(
    user_id: OwnUserId, project: CanRecommend, services: ServicesDep, wish: Wished, properties: WithProperties = False
) -> RecommendationListView:
    """What the user should see next, each item with its reasons. Unknown users get what is trending, popular, new."""
    answer = services.recommend.for_user(project, user_id, wish)
    return view(services, project, answer, wish, user_id, properties=properties)


@router.get(
    "/sessions/{session_id}/recommendations",
    operation_id="recommendForStoredSession",
    summary="Recommend for stored session",
    responses=responses(400, 404),
)
def for_stored_session(
    session_id: OwnSessionId,
    project: CanRecommend,
    services: ServicesDep,
    wish: Wished,
    properties: WithProperties = False,
) -> RecommendationListView:
    """The same for somebody unknown, from the events that were sent with his `session_id`."""
    owner = of_session(session_id)
    answer = services.recommend.for_user(project, owner, wish)
    return view(services, project, answer, wish, owner, properties=properties)


@router.get(
    "/users/{user_id}/pages/{scenario_id}",
    operation_id="getPage",
    summary="Get page",
    responses=responses(400, 404),
)
def page(
    user_id: OwnUserId,
    scenario_id: PageScenario,
    project: CanRecommend,
    services: ServicesDep,
    after: After = None,
    properties: WithProperties = False,
) -> PageView:
    """All rows of a scenario in one call, no item twice: for him, because he liked something, what is trending ..."""
    return _page(services, project, user_id, scenario_id, after, properties=properties)


@router.get(
    "/sessions/{session_id}/pages/{scenario_id}",
    operation_id="getSessionPage",
    summary="Get session page",
    responses=responses(400, 404),
)
def session_page(
    session_id: OwnSessionId,
    scenario_id: PageScenario,
    project: CanRecommend,
    services: ServicesDep,
    after: After = None,
    properties: WithProperties = False,
) -> PageView:
    """The same for somebody unknown, from the events that were sent with his `session_id`."""
    return _page(services, project, of_session(session_id), scenario_id, after, properties=properties)


def _page(
    services: Services, project: str, owner: str, scenario_id: str, after: str | None, *, properties: bool
) -> PageView:
    scenario = services.scenarios.remembered(project, scenario_id)
    wish = wish_of(scenario, {"consistent": services.tokens.check_freshness(project, after)})
    rows = services.recommend.rows(project, owner, wish, scenario.placement.rows)
    return PageView(
        scenario_id=scenario_id,
        scenario_version=scenario.version,
        rows=[row(services, project, one, wish, owner, properties=properties) for one in rows],
    )


@router.get(
    "/recommendations/{recommendation_id}",
    operation_id="replayRecommendations",
    summary="Replay recommendations",
    response_model=RecommendationListView,
    responses=responses(400, 404),
)
def replay(recommendation_id: RecommendationId, project: CanWrite, services: ServicesDep) -> Response:
    """An answer that was kept, byte for byte as it was given, whatever has changed since."""
    served = services.tokens.served(project, recommendation_id)
    if served.decision is None or served.owner is None:
        raise NotFound("This answer was not kept. A scenario's `log_share` says which share of its answers is.")
    kept = services.decisions.replay(project, served.owner, served.decision)
    return Response(kept, media_type="application/json")


@router.post(
    "/recommendations",
    operation_id="recommendForSession",
    summary="Recommend for session",
    responses=responses(404, *WITH_BODY),
)
def for_session(body: SessionIn, project: CanRecommend, services: ServicesDep) -> RecommendationListView:
    """The same for an anonymous session, whose events come in the body and are not stored."""
    now = services.clock()
    events = [event.record(SESSION, now) for event in body.events]
    wish = wish_for(services, project, body.given(), body.scenario, body.page_after)
    return view(
        services, project, services.recommend.for_session(project, events, wish), wish, properties=body.properties
    )


@router.post("/rankings", operation_id="rankItems", summary="Rank items", responses=responses(*WITH_BODY))
def rank(body: RankingIn, project: CanRecommend, principal: Asking, services: ServicesDep) -> RecommendationListView:
    """The given items, best for the user first; those that nothing is known of keep their order at the end."""
    services.access.check_user(principal, body.owner)
    wish = RecommendationQuery(explain=body.explain, consistent=services.tokens.check_freshness(project, body.after))
    answer = services.recommend.rank(project, body.owner, body.item_ids, wish)
    return view(services, project, answer, wish, body.owner, properties=body.properties)


@router.get("/lists/{kind}", operation_id="getList", summary="Get list", responses=responses())
def get_list(
    kind: Literal["popular", "trending", "latest"],
    project: CanRecommend,
    services: ServicesDep,
    category: CategoryName = None,
    limit: Limit = 10,
    filter: FilterQuery = None,  # noqa: A002 - the parameter's name
    boost: BoostQuery = None,
    properties: WithProperties = False,
) -> RecommendationListView:
    """Items that are used most, that are used more than they used to be, or that were created last.

    The first two follow the stream of events within seconds.
    """
    wish = RecommendationQuery(limit=limit, filters=() if filter is None else (filter,), boost=boost)
    answer = services.recommend.listed(project, kind, category, wish)
    return view(services, project, answer, wish, properties=properties)

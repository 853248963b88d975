"""Recommendations for users and sessions, rankings, lists."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from app.api.answers import view
from app.api.deps import CategoryName, Given, Limit, WithProperties
from app.api.fields import Id
from app.api.problems import WITH_BODY, responses
from app.api.schemas import AnswerView, RankingIn, SessionIn
from app.api.security import Asking, CanRecommend, OwnSessionId, OwnUserId
from app.domain import of_session
from app.services.recommend import Wish

router = APIRouter(prefix="/v1", tags=["recommendations"])
SESSION = "session"

Excluded = Annotated[list[Id], Query(max_length=100, description="Items to leave out.")]
EventTypes = Annotated[list[Id] | None, Query(max_length=20, description="Only events of these types count.")]
After = Annotated[str | None, Query(max_length=500, description="A freshness token: reflect these events for sure.")]
IncludeSeen = Annotated[bool, Query(description="Also items that the user has events with.")]
Explain = Annotated[bool, Query(description="All past events with their shares, not the three largest.")]


def _wish(
    project: CanRecommend,
    services: Given,
    limit: Limit = 10,
    exclude: Excluded = [],  # noqa: B006 - FastAPI copies it
    event_types: EventTypes = None,
    after: After = None,
    include_seen: IncludeSeen = False,
    explain: Explain = False,
) -> Wish:
    return Wish(
        limit=limit,
        exclude=frozenset(exclude),
        event_types=frozenset(event_types) if event_types else None,
        include_seen=include_seen,
        explain=explain,
        consistent=services.tokens.check_freshness(project, after),
    )


Wished = Annotated[Wish, Depends(_wish)]


@router.get(
    "/users/{user_id}/recommendations",
    operation_id="recommendForUser",
    summary="Recommend for user",
    responses=responses(400),
)
def for_user(
    user_id: OwnUserId, project: CanRecommend, services: Given, wish: Wished, properties: WithProperties = False
) -> AnswerView:
    """What the user should see next, each item with its reasons. Unknown users get what is trending, popular, new."""
    return view(services, project, services.recommend.for_user(project, user_id, wish), properties)


@router.get(
    "/sessions/{session_id}/recommendations",
    operation_id="recommendForStoredSession",
    summary="Recommend for stored session",
    responses=responses(400),
)
def for_stored_session(
    session_id: OwnSessionId, project: CanRecommend, services: Given, wish: Wished, properties: WithProperties = False
) -> AnswerView:
    """The same for somebody unknown, from the events that were sent with his `session_id`."""
    return view(services, project, services.recommend.for_user(project, of_session(session_id), wish), properties)


@router.post(
    "/recommendations",
    operation_id="recommendForSession",
    summary="Recommend for session",
    responses=responses(*WITH_BODY),
)
def for_session(body: SessionIn, project: CanRecommend, services: Given) -> AnswerView:
    """The same for an anonymous session, whose events come in the body and are not stored."""
    now = services.clock()
    events = [event.record(SESSION, now) for event in body.events]
    return view(services, project, services.recommend.for_session(project, events, body.wish()), body.properties)


@router.post("/rankings", operation_id="rankItems", summary="Rank items", responses=responses(*WITH_BODY))
def rank(body: RankingIn, project: CanRecommend, principal: Asking, services: Given) -> AnswerView:
    """The given items, best for the user first; those that nothing is known of keep their order at the end."""
    services.access.check_user(principal, body.owner)
    wish = Wish(explain=body.explain, consistent=services.tokens.check_freshness(project, body.after))
    answer = services.recommend.rank(project, body.owner, body.item_ids, wish)
    return view(services, project, answer, body.properties)


@router.get("/lists/{kind}", operation_id="getList", summary="Get list", responses=responses())
def get_list(
    kind: Literal["popular", "trending", "latest"],
    project: CanRecommend,
    services: Given,
    category: CategoryName = None,
    limit: Limit = 10,
    properties: WithProperties = False,
) -> AnswerView:
    """Items that are used most, that are used more than they used to be, or that were created last.

    The first two follow the stream of events within seconds.
    """
    return view(services, project, services.recommend.listed(project, kind, category, limit), properties)

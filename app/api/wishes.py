"""From what a request says to a wish: its own words, the stored scenario behind them, the page before."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from app.api.http.dependencies import Limit, ServicesDep
from app.api.http.security import CanRecommend
from app.api.schemas.fields import Boost, Filter, Id
from app.domain.recommendations import MAX_SHOWN, Diversity, RecommendationQuery
from app.errors import InvalidInput, Unavailable
from app.services.bundle import Services
from app.services.recommendations.scenarios import wish_of

Excluded = Annotated[list[Id], Query(max_length=100, description="Items to leave out.")]
EventTypes = Annotated[list[Id] | None, Query(max_length=20, description="Only events of these types count.")]
After = Annotated[str | None, Query(max_length=500, description="A freshness token: reflect these events for sure.")]
IncludeSeen = Annotated[bool, Query(description="Also items that the user has events with.")]
Explain = Annotated[
    bool,
    Query(description="All past events with their shares, and what the answer would be without each of them."),
]
ContextItem = Annotated[Id | None, Query(description="The item at hand: what suits it comes first.")]
WithoutEvent = Annotated[Id | None, Query(description="Answer as if the event with this id had not happened.")]
ScenarioName = Annotated[
    Id | None, Query(description="A stored scenario; what the request says itself wins, but both filters count.")
]
PageAfter = Annotated[
    str | None,
    Query(
        max_length=6_000,
        description="`recommendation_id` of the page before: none of its items, nor of those before it, comes again.",
    ),
]
FilterQuery = Annotated[Filter | None, Query()]
BoostQuery = Annotated[Boost | None, Query()]
DiversityQuery = Annotated[
    float | None,
    Query(ge=0, le=1, description="Lambda of maximal marginal relevance: 1 is the order of the scores, 0 is variety."),
]


def _wish(
    request: Request,
    project: CanRecommend,
    services: ServicesDep,
    limit: Limit = 10,
    exclude: Excluded = [],  # noqa: B006 - FastAPI copies it
    event_types: EventTypes = None,
    after: After = None,
    include_seen: IncludeSeen = False,
    explain: Explain = False,
    filter: FilterQuery = None,  # noqa: A002 - the parameter's name
    boost: BoostQuery = None,
    context_item: ContextItem = None,
    without_event: WithoutEvent = None,
    diversity: DiversityQuery = None,
    scenario: ScenarioName = None,
    page_after: PageAfter = None,
) -> RecommendationQuery:
    said: dict[str, Any] = {
        "limit": limit,
        "include_seen": include_seen,
        "event_types": frozenset(event_types) if event_types else None,
        "boost": boost,
        "diversity": Diversity(relevance=diversity),
        "context_item": context_item,
        "without_event": without_event,
    }
    given = {name: value for name, value in said.items() if name in request.query_params} | {
        "exclude": frozenset(exclude),
        "filters": () if filter is None else (filter,),
        "explain": explain,
        "consistent": services.tokens.check_freshness(project, after),
    }
    return wish(services, project, given, scenario, page_after)


Wished = Annotated[RecommendationQuery, Depends(_wish)]


def wish(
    services: Services, project: str, given: Mapping[str, Any], scenario: str | None, page_after: str | None = None
) -> RecommendationQuery:
    """What is asked, with the settings of a scenario where one is named.

    Raises:
        NotFound: there is no such scenario.
        InvalidToken: the page before is not one of this project.
        InvalidInput: there were too many pages.
    """
    shown = frozenset[bytes]()
    if page_after is not None:
        shown = services.tokens.served(project, page_after).shown
        if len(shown) >= MAX_SHOWN:
            raise InvalidInput(f"A list has at most {MAX_SHOWN} items on all its pages.")
    given = {**given, "shown": shown}
    if scenario is None:
        return RecommendationQuery(**given)
    try:
        stored = services.scenarios.remembered(project, scenario)
    except Unavailable:  # recommendations go on without the database
        return RecommendationQuery(**given)
    return wish_of(stored, given)

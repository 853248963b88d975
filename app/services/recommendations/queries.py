"""Queries: a request merged with its scenario, its freshness token and the page before."""

from dataclasses import replace

from app.domain.recommendations import MAX_SHOWN, RecommendationQuery, RecommendationRequest
from app.domain.scenarios import Scenario, ScenarioSettings
from app.errors import InvalidInput, Unavailable
from app.services.recommendations.scenarios import Scenarios
from app.services.tokens.signed import SignedTokens


class Queries:
    def __init__(self, scenarios: Scenarios, tokens: SignedTokens) -> None:
        self._scenarios, self._tokens = scenarios, tokens

    def build(self, project: str, request: RecommendationRequest) -> RecommendationQuery:
        """Merges a request with its scenario: fields of the request win, and both filters apply.

        Raises:
            NotFound: there is no such scenario.
            InvalidToken: a token is not from this project.
            InvalidInput: there are too many pages.
        """
        is_fresh = self._tokens.check_freshness(project, request.fresh_after)
        query = self._of_scenario(project, request.scenario)
        own_filter = () if request.filter is None else (request.filter,)
        query = replace(
            query,
            exclude=request.exclude,
            explain=request.explain,
            consistent=request.consistent or is_fresh,
            filters=(*query.filters, *own_filter),
            shown=self._shown(project, request.continue_from),
            selection=request.selection,
        )
        return replace(query, **request.overrides)

    def _of_scenario(self, project: str, scenario_id: str | None) -> RecommendationQuery:
        if scenario_id is None:
            return RecommendationQuery()
        try:
            return query_of(self._scenarios.get_cached(project, scenario_id))
        except Unavailable:  # recommendations continue without the database
            return RecommendationQuery()

    def _shown(self, project: str, recommendation_id: str | None) -> frozenset[bytes]:
        """Returns the digests of the items on the page before and on those before it."""
        if recommendation_id is None:
            return frozenset()
        shown = self._tokens.served(project, recommendation_id).shown
        if len(shown) >= MAX_SHOWN:
            raise InvalidInput(f"A list has at most {MAX_SHOWN} items on all its pages.")
        return shown


def query_of(scenario: Scenario) -> RecommendationQuery:
    """Returns the query that a scenario's settings describe."""
    settings: ScenarioSettings = scenario.settings
    return RecommendationQuery(
        limit=settings.limit,
        recommenders=settings.recommenders,
        event_types=frozenset(settings.event_types) if settings.event_types is not None else None,
        event_weights=settings.event_weights,
        include_seen=settings.include_seen,
        filters=() if settings.filter is None else (settings.filter,),
        boost=settings.boost,
        diversity=settings.diversity,
        impression_decay=settings.impression_decay,
        exploration=settings.exploration,
        log_sample_rate=settings.log_sample_rate,
        scenario=scenario.scenario_id,
    )

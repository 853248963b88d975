"""Recommendations for clients: build the query, make the list, respond."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.domain.events import Event
from app.domain.fields import Selection
from app.domain.recommendations import (
    QueryOverrides,
    RecommendationList,
    RecommendationQuery,
    RecommendationRequest,
    RecommendationResponse,
)
from app.domain.scenarios import PageResponse, PageRow, PageRowResponse, Scenario
from app.domain.sockets import WatchedList
from app.errors import NotFound
from app.services.recommendations.decision_log import DecisionLog
from app.services.recommendations.queries import Queries, query_of
from app.services.recommendations.recommend import Recommend
from app.services.recommendations.responses import Responses
from app.services.recommendations.scenarios import Scenarios
from app.services.tokens.signed import SignedTokens

RecommendForItem = Callable[[str, str, RecommendationQuery], RecommendationList]


class Recommendations:
    def __init__(
        self,
        recommend: Recommend,
        queries: Queries,
        responses: Responses,
        scenarios: Scenarios,
        decisions: DecisionLog,
        tokens: SignedTokens,
    ) -> None:
        self._recommend, self._queries, self._responses = recommend, queries, responses
        self._scenarios, self._decisions, self._tokens = scenarios, decisions, tokens

    def for_user(self, project: str, user_id: str, request: RecommendationRequest) -> RecommendationResponse:
        """Recommends items to a user, or to a stored session.

        Raises:
            NotFound: there is no such scenario.
            InvalidInput: a rule or token is invalid, or there are too many pages.
        """
        query = self._queries.build(project, request)
        recommendations = self._recommend.for_user(project, user_id, query)
        return self._responses.respond(project, user_id, query, recommendations, properties=request.properties)

    def for_session(
        self, project: str, events: Sequence[Event], request: RecommendationRequest, owner: str = ""
    ) -> RecommendationResponse:
        """Recommends items to an anonymous session from the events of the request.

        `owner` is the user or session whose own events may name this list; "" for none.
        """
        query = self._queries.build(project, request)
        recommendations = self._recommend.for_session(project, events, query)
        return self._responses.respond(project, owner, query, recommendations, properties=request.properties)

    def similar(
        self, project: str, item_id: str, request: RecommendationRequest, owner: str = ""
    ) -> RecommendationResponse:
        """Recommends items similar to an item; `owner` as in `for_session`.

        Raises:
            NotFound: there is no such item.
        """
        return self._of_item(project, item_id, request, owner, self._recommend.similar)

    def bought_together(
        self, project: str, item_id: str, request: RecommendationRequest, owner: str = ""
    ) -> RecommendationResponse:
        """Recommends what is bought together with an item; `owner` as in `for_session`.

        Raises:
            NotFound: there is no such item.
        """
        return self._of_item(project, item_id, request, owner, self._recommend.bought_together)

    def _of_item(
        self, project: str, item_id: str, request: RecommendationRequest, owner: str, recommend: RecommendForItem
    ) -> RecommendationResponse:
        query = self._queries.build(project, request)
        recommendations = recommend(project, item_id, query)
        return self._responses.respond(project, owner, query, recommendations, properties=request.properties)

    def rank(
        self,
        project: str,
        user_id: str,
        item_ids: Sequence[str],
        request: RecommendationRequest,
        *,
        include_hidden: bool = False,
    ) -> RecommendationResponse:
        """Ranks the requested items for a user; hidden ones only with `include_hidden`."""
        query = self._queries.build(project, request)
        recommendations = self._recommend.rank(project, user_id, item_ids, query, include_hidden=include_hidden)
        return self._responses.respond(project, user_id, query, recommendations, properties=request.properties)

    def from_list(
        self, project: str, kind: str, category: str | None, request: RecommendationRequest, owner: str = ""
    ) -> RecommendationResponse:
        """Returns the popular, trending or latest items; `owner` as in `for_session`."""
        query = self._queries.build(project, request)
        recommendations = self._recommend.from_list(project, kind, category, query)
        return self._responses.respond(project, owner, query, recommendations, properties=request.properties)

    def page(
        self,
        project: str,
        user_id: str,
        scenario_id: str,
        fresh_after: str | None,
        *,
        properties: bool,
        selection: Selection | None = None,
    ) -> PageResponse:
        """Returns all rows of a scenario.

        Raises:
            NotFound: there is no such scenario.
            InvalidToken: the freshness token is not from this project.
        """
        scenario = self._scenarios.get_cached(project, scenario_id)
        consistent = self._tokens.check_freshness(project, fresh_after)
        query = replace(query_of(scenario), consistent=consistent, selection=selection)
        rows = self._rows(project, user_id, query, scenario, properties=properties)
        return PageResponse(scenario_id, scenario.version, rows)

    def preview(
        self, project: str, user_id: str, scenario: Scenario
    ) -> tuple[RecommendationResponse, tuple[PageRowResponse, ...]]:
        """Returns the list and the rows that a user would get from a scenario, stored or not, with properties."""
        query = query_of(scenario)
        recommendations = self._recommend.for_user(project, user_id, query)
        response = self._responses.respond(project, user_id, query, recommendations, properties=True)
        return response, self._rows(project, user_id, query, scenario, properties=True)

    def watched(self, project: str, watched: WatchedList) -> tuple[RecommendationQuery, RecommendationList]:
        """Returns the current list of a subscription; `respond` makes a response of it.

        Raises:
            NotFound: the scenario was deleted.
        """
        overrides = QueryOverrides() if watched.limit is None else QueryOverrides(limit=watched.limit)
        request = RecommendationRequest(overrides=overrides, scenario=watched.scenario, consistent=True)
        query = self._queries.build(project, request)
        return query, self._recommend.for_user(project, watched.user_id, query)

    def respond(
        self, project: str, watched: WatchedList, query: RecommendationQuery, recommendations: RecommendationList
    ) -> RecommendationResponse:
        """Responds to a subscription with its current list."""
        properties = watched.properties
        return self._responses.respond(project, watched.user_id, query, recommendations, properties=properties)

    def replay(self, project: str, recommendation_id: str) -> RecommendationResponse:
        """Returns a response from the decision log.

        Raises:
            InvalidToken: the recommendation_id is not from this project.
            NotFound: the response was not stored, or was deleted.
        """
        served = self._tokens.served(project, recommendation_id)
        if served.decision is None or served.owner is None:
            raise NotFound("This response was not stored. `log_sample_rate` of a scenario sets how many are.")
        return self._decisions.get(project, served.owner, served.decision)

    def _rows(
        self, project: str, user_id: str, query: RecommendationQuery, scenario: Scenario, *, properties: bool = False
    ) -> tuple[PageRowResponse, ...]:
        rows = self._recommend.page_rows(project, user_id, query, scenario.settings.rows)
        return tuple(self._row(project, user_id, query, row, properties=properties) for row in rows)

    def _row(
        self, project: str, user_id: str, query: RecommendationQuery, row: PageRow, *, properties: bool
    ) -> PageRowResponse:
        response = self._responses.respond(project, user_id, query, row.list, properties=properties)
        return PageRowResponse(
            recommendation_id=response.recommendation_id,
            model_version=response.model_version,
            degraded=response.degraded,
            offset=response.offset,
            items=response.items,
            warnings=response.warnings,
            selection=response.selection,
            kind=row.kind,
            title=row.title,
            source_item=row.source_item,
        )

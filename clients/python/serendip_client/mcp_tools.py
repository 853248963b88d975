"""What an assistant may ask about a project: a method for each tool of the MCP server, described by its docstring."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from serendip_client.client import AsyncSerendip
from serendip_client.errors import SerendipError
from serendip_client.models import (
    EventPage,
    FeedEventView,
    FeedPage,
    ItemSearchView,
    ItemView,
    JobPage,
    OutcomeComparison,
    OutcomesView,
    RankingIn,
    RecommendationListView,
    RecommendationView,
    RolloutView,
    ScenarioPage,
    UsageView,
    UserView,
    VersionPage,
)

MOST_RECORDS = 50
NOT_FOUND = 404
DEEPEST = 100
"""The longest list of a user."""
OWN_EVENTS = 10

Limit = Annotated[int, Field(ge=1, le=MOST_RECORDS, description="The most records to return.")]
Cursor = Annotated[str | None, Field(description="The `next_cursor` of the page before.")]
UserId = Annotated[str, Field(description="The id of the user.")]
ItemId = Annotated[str, Field(description="The id of the item.")]
Category = Annotated[str | None, Field(description="Only items of this category.")]
Scenario = Annotated[str | None, Field(description="A stored scenario, whose settings the list follows.")]
Days = Annotated[int, Field(ge=1, le=90, description="The number of days up to now.")]
By = Literal["version", "scenario", "source"]


class Explanation(BaseModel):
    """Why a user sees an item, or does not."""

    position: Annotated[int | None, Field(description="The place in the user's list, from 1; null if not in it.")]
    examined: Annotated[int, Field(description="The length of that list.")]
    recommendation: Annotated[
        RecommendationView | None,
        Field(description="The item's score with all events behind it; null if nothing is known about the item."),
    ]
    item: Annotated[ItemView | None, Field(description="The item; null if only events name it.")]
    own_events: Annotated[list[FeedEventView], Field(description="The user's newest events with this item.")]


class Tools:
    """Every tool, over one client of the API."""

    def __init__(self, client: AsyncSerendip) -> None:
        self._client = client

    def all(self) -> Sequence[Callable[..., Awaitable[BaseModel]]]:
        """Returns the tools, in the order in which assistants see them."""
        return (
            self.recommendations,
            self.explain,
            self.similar_items,
            self.bought_together,
            self.ranking,
            self.search_items,
            self.get_item,
            self.get_user,
            self.user_events,
            self.recent_events,
            self.model_versions,
            self.rollout,
            self.outcomes,
            self.compare_outcomes,
            self.usage,
            self.scenarios,
            self.jobs,
        )

    async def recommendations(
        self,
        user_id: UserId,
        limit: Limit = 10,
        scenario: Scenario = None,
        model_version: Annotated[
            str | None, Field(description="A ready version, to see the list as it would make it.")
        ] = None,
        properties: Annotated[bool, Field(description="Whether to include categories and properties.")] = False,
    ) -> RecommendationListView:
        """Get what a user sees next, each item with the past events behind it and their share of its score."""
        return await self._client.recommend_for_user(
            user_id, limit=limit, scenario=scenario, model_version=model_version, properties=properties
        )

    async def explain(self, user_id: UserId, item_id: ItemId, scenario: Scenario = None) -> Explanation:
        """Explain why a user sees an item, or does not: its place in the list, and the events behind its score.

        Items that are hidden, expired or filtered out by the scenario are in no list, and those that the user already
        has events with usually are not either.
        """
        listed, own, item = await asyncio.gather(
            self._client.recommend_for_user(user_id, limit=DEEPEST, scenario=scenario, explain=True),
            self._client.list_events(user_id=user_id, item_id=item_id, limit=OWN_EVENTS),
            self._item(item_id),
        )
        listing = next(((place, each) for place, each in enumerate(listed.items, 1) if each.item_id == item_id), None)
        position, recommendation = listing or (None, await self._ranked(user_id, item_id))
        return Explanation(
            position=position,
            examined=len(listed.items),
            recommendation=recommendation,
            item=item,
            own_events=own.events,
        )

    async def similar_items(self, item_id: ItemId, limit: Limit = 10) -> RecommendationListView:
        """Get the items that are most similar to an item: those that the same users choose, or of similar content."""
        return await self._client.similar_items(item_id, limit=limit)

    async def bought_together(self, item_id: ItemId, limit: Limit = 10) -> RecommendationListView:
        """Get the items that are bought in the same baskets as an item, with the counts of baskets."""
        return await self._client.bought_together(item_id, limit=limit)

    async def ranking(
        self,
        kind: Annotated[
            Literal["popular", "trending", "latest"],
            Field(description="Used most in a month, used more than before, or created last."),
        ],
        category: Category = None,
        limit: Limit = 10,
    ) -> RecommendationListView:
        """Get the items that are popular with all users, trending, or new."""
        return await self._client.get_list(kind, category=category, limit=limit)

    async def search_items(
        self,
        text: Annotated[str | None, Field(description="The beginning of an id, or of a word of the title.")] = None,
        category: Category = None,
        status: Annotated[
            Literal["shown", "hidden", "expired"] | None, Field(description="Only items of this status.")
        ] = None,
        limit: Limit = 10,
        cursor: Cursor = None,
    ) -> ItemSearchView:
        """Find items of the catalog, and count them by category. Use it to find the id of an item."""
        return await self._client.search_items(text=text, category=category, status=status, limit=limit, cursor=cursor)

    async def get_item(self, item_id: ItemId) -> ItemView:
        """Get an item: title, categories, properties, whether it is hidden."""
        return await self._client.get_item(item_id)

    async def get_user(self, user_id: UserId) -> UserView:
        """Get the profile of a user. Profiles are optional: a user who only has events is not found here."""
        return await self._client.get_user(user_id)

    async def user_events(self, user_id: UserId, limit: Limit = 20, cursor: Cursor = None) -> EventPage:
        """Get what a user did, newest first."""
        return await self._client.list_user_events(user_id, limit=limit, cursor=cursor)

    async def recent_events(
        self,
        item_id: Annotated[str | None, Field(description="Only events about this item.")] = None,
        event_type: Annotated[str | None, Field(description="Only events of this type, such as purchase.")] = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> FeedPage:
        """Get the newest events of all users, with what is unknown about them."""
        return await self._client.list_events(item_id=item_id, event_type=event_type, limit=limit, cursor=cursor)

    async def model_versions(self, limit: Limit = 5, cursor: Cursor = None) -> VersionPage:
        """Get the model versions, newest first: which one is active, its quality beside popularity, why others failed.

        Metrics are measured on events that the training did not see; `_margin` is half the width of a 95 % interval.
        """
        return await self._client.list_models(limit=limit, cursor=cursor)

    async def rollout(self) -> RolloutView:
        """Get the shares of users that model versions serve."""
        return await self._client.get_rollout()

    async def outcomes(
        self,
        days: Days = 28,
        by: Annotated[
            list[Literal["version", "scenario", "source", "day"]] | None, Field(description="What to group by.")
        ] = None,
    ) -> OutcomesView:
        """Get what users did with recommendations: click-through, conversion and revenue, with intervals."""
        return await self._client.get_outcomes(days=days, by=by)

    async def compare_outcomes(
        self,
        by: Annotated[By, Field(description="What to compare.")],
        name: Annotated[str, Field(description="A version, scenario or recommender; empty for no scenario.")],
        against: Annotated[str, Field(description="The one to compare it with.")],
        days: Days = 28,
    ) -> OutcomeComparison:
        """Compare what users did with two versions, scenarios or recommenders, and how sure the difference is."""
        return await self._client.compare_outcomes(by=by, name=name, against=against, days=days)

    async def usage(self, days: Days = 30) -> UsageView:
        """Get requests, events and the estimated dollars of each day."""
        return await self._client.get_usage(days=days)

    async def scenarios(self, limit: Limit = 20, cursor: Cursor = None) -> ScenarioPage:
        """Get the scenarios: named settings, rules and rows of lists."""
        return await self._client.list_scenarios(limit=limit, cursor=cursor)

    async def jobs(
        self,
        kind: Annotated[
            Literal["import", "preview", "export", "erasure", "deletion", "undo", "training"] | None,
            Field(description="Only jobs of this kind."),
        ] = None,
        limit: Limit = 10,
        cursor: Cursor = None,
    ) -> JobPage:
        """Get imports, exports, trainings and other long work, newest first, with progress, results and failures."""
        return await self._client.list_jobs(kind=kind, limit=limit, cursor=cursor)

    async def _ranked(self, user_id: str, item_id: str) -> RecommendationView | None:
        """Returns an item's score for a user, whatever keeps it out of their list."""
        body = RankingIn(user_id=user_id, item_ids=[item_id], include_hidden=True, explain=True)
        return next(iter((await self._client.rank_items(body)).items), None)

    async def _item(self, item_id: str) -> ItemView | None:
        try:
            return await self._client.get_item(item_id)
        except SerendipError as error:
            if error.status == NOT_FOUND:
                return None
            raise

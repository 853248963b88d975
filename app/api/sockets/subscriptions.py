"""Subscriptions of live sockets: a user's list is pushed when it differs from the one that was shown last."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b

from app.api.schemas.recommendations import RecommendationListView
from app.api.schemas.records import left_out
from app.api.sockets import frames
from app.api.sockets.push import Busy, Gone, Pusher, TooLarge
from app.domain.recommendations import RecommendationList, RecommendationQuery, RecommendationResponse
from app.domain.sockets import Connection, Subscription, WatchedList
from app.domain.users import session_of
from app.errors import NotFound, Overloaded, Unauthenticated
from app.services.bundle import Services

DIGEST_BYTES = 8

CurrentList = tuple[RecommendationQuery, RecommendationList]


class Subscriptions:
    def __init__(self, services: Services, pusher: Pusher) -> None:
        self._services, self._pusher = services, pusher

    def subscribe(self, connection: Connection, watched: WatchedList, frame_id: str | None) -> None:
        """Subscribes a connection to a user's list, and pushes the list unless the client has been shown it."""
        subscription = self._services.sockets.subscribe(connection, watched)
        self._show(subscription, self._current(subscription), frame_id)

    def push(self, project: str, user_id: str) -> int:
        """Pushes a user's list to all subscribers that were shown a different one.

        Returns:
            The number of frames that were sent.

        Raises:
            Unavailable: the database or the gateway is unavailable; the frames still have to be sent.
        """
        pushed = 0
        lists: dict[tuple[int | None, str | None], CurrentList] = {}
        for subscription in self._services.sockets.watching(project, user_id):
            if not self._is_authorized(subscription):
                self._services.sockets.drop(subscription)
                self._pusher.close(subscription.connection_id)
                continue
            settings = subscription.watched.limit, subscription.watched.scenario
            if settings not in lists:
                try:
                    lists[settings] = self._current(subscription)
                except NotFound:  # the scenario was deleted: there is no list to push
                    continue
            with suppress(TooLarge):  # sending it again would not help
                pushed += self._show(subscription, lists[settings], None)
        return pushed

    def resume_token(self, project: str, subscriptions: Sequence[Subscription]) -> str:
        """Returns a token that restores subscriptions on the client's next connection."""
        return self._services.tokens.resume(project, [subscription.watched for subscription in subscriptions])

    def _is_authorized(self, subscription: Subscription) -> bool:
        """Whether the credentials that subscribed are still valid."""
        if subscription.principal is None:
            return False
        try:
            self._services.access.recheck(subscription.principal)
        except Unauthenticated:
            return False
        return True

    def _current(self, subscription: Subscription) -> CurrentList:
        query, recommendations = self._services.recommendations.watched(subscription.project, subscription.watched)
        if recommendations.degraded:
            raise Overloaded("The database cannot be reached. The list will be sent when it can.")
        return query, recommendations

    def _show(self, subscription: Subscription, current: CurrentList, frame_id: str | None) -> int:
        """Pushes a list, unless it was shown already; returns the number of frames that were sent."""
        query, recommendations = current
        watched = replace(subscription.watched, shown=_digest(recommendations))
        if watched == subscription.watched:
            return 0
        project, sockets = subscription.project, self._services.sockets
        response = self._services.recommendations.respond(project, watched, query, recommendations)
        resume = self.resume_token(project, [replace(subscription, watched=watched)])
        frame = list_frame(watched.user_id, response, frame_id, resume=resume)
        try:
            self._pusher.post(subscription.connection_id, frame)
        except Gone:
            sockets.drop(subscription)
            return 0
        except Busy as error:
            raise Overloaded("The gateway takes no more frames at the moment.") from error
        sockets.show(subscription, watched.shown or "")
        return 1


def list_frame(user_id: str, response: RecommendationResponse, frame_id: str | None, **more: str) -> bytes:
    """Returns the frame of a list."""
    selection = response.selection
    excluded = left_out(selection) if selection else None
    content = RecommendationListView.model_validate(response).model_dump(mode="json", exclude=excluded)
    return frames.fitted("recommendations", frame_id, {**owner_of(user_id), **content, **more})


def owner_of(user_id: str) -> dict[str, str]:
    """Returns the user_id or the session_id of a frame."""
    session_id = session_of(user_id)
    return {"user_id": user_id} if session_id is None else {"session_id": session_id}


def _digest(recommendations: RecommendationList) -> str:
    """Returns the digest of the items in their order."""
    item_ids = "\n".join(recommendation.item_id for recommendation in recommendations.recommendations)
    return blake2b(item_ids.encode(), digest_size=DIGEST_BYTES).hexdigest()

"""Live sockets: what a client says and what he is told, without the wire. API Gateway and uvicorn speak through it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from app import telemetry
from app.api import answers
from app.api.http import problems
from app.api.routes import events
from app.api.sockets import frames
from app.api.sockets.handshake import PROTOCOL, Handshake
from app.api.sockets.push import Busy, Gone, Pusher
from app.api.wishes import wish as wish_for
from app.deadline import within
from app.domain.access import Principal, Scope
from app.domain.recommendations import RecommendationList, RecommendationQuery
from app.domain.sockets import Connection, Subscription
from app.domain.users import session_of
from app.errors import NotFound, Overloaded, SerendipError, Unauthenticated, Unavailable
from app.services.bundle import Services
from app.telemetry import RequestLog

METHOD = "SOCKET"
RESUMED = ("limit", "scenario", "properties")
"""What a client asked for, as far as the token to go on with repeats it."""


class SocketApi:
    def __init__(self, services: Services, pusher: Pusher) -> None:
        self._services, self._pusher = services, pusher

    def connect(self, connection_id: str, handshake: Handshake) -> str | None:
        """Let a client in; returns the subprotocol to confirm, if he offered ours.

        Raises:
            Unauthenticated, Forbidden, LimitExceeded, Unavailable.
        """
        services = self._services
        with self._told("connect") as (work, outcome):
            work.follow(handshake.headers.get("traceparent"))
            try:
                principal = handshake.principal(services)
                work.project = principal.project
                services.access.check_scope(principal, Scope.RECOMMEND)
                services.access.check_has_data(principal)
                services.limiter.spend(principal)
                services.sockets.open(connection_id, principal)
                services.usage.count(principal.project, principal.credential, work)
            except SerendipError as error:
                outcome.status = problems.status_of(error)
                raise
        return PROTOCOL if PROTOCOL in handshake.protocols else None

    def disconnect(self, connection_id: str) -> None:
        """Forget a client; where that cannot be done now, his rows expire."""
        with within(self._services.settings.request_deadline_seconds), suppress(Unavailable):
            self._services.sockets.end(connection_id)

    def receive(self, connection_id: str, message: str | bytes) -> None:
        """Answer one message; whatever goes wrong is told in a frame."""
        services, frame_id = self._services, None
        with self._told("unreadable") as (work, outcome):
            try:
                connection = services.sockets.find(connection_id)
                principal = connection.principal
                work.project = principal.project
                services.access.check_still(principal)
                services.limiter.spend(principal)
                frame = frames.parsed(message)
                frame_id, work.route = frame.id, f"socket {frame.action}"
                work.follow(frame.traceparent)
                self._answer(connection, frame)
                services.usage.count(principal.project, principal.credential, work)
                if services.sockets.is_leaving(connection):
                    self.say_goodbye(connection_id)
            except Gone:
                services.sockets.end(connection_id)
            except Busy:  # there is no way to tell the client
                outcome.status = HTTPStatus.SERVICE_UNAVAILABLE
            except SerendipError as error:
                outcome.status = problems.status_of(error)
                self._post(connection_id, frames.of_error(error, work.request_id, frame_id))
                if isinstance(error, Unauthenticated):
                    self._end(connection_id)
            except Exception as error:  # noqa: BLE001 - the socket lives on
                outcome.status = HTTPStatus.INTERNAL_SERVER_ERROR
                telemetry.tell_failure(work, error)
                self._post(connection_id, frames.of_error(None, work.request_id, frame_id))
        if services.usage.due():
            services.usage.write()

    def any_of(self, project: str) -> bool:
        """Whether a project may have live sockets."""
        return self._services.sockets.any_of(project)

    def push(self, project: str, user_id: str) -> int:
        """Tell everybody who watches a user's list, if it is another one than he was told last.

        Returns:
            How many frames went out.

        Raises:
            Unavailable: the database or the gateway takes no more at the moment; the frames are still to go out.
        """
        pushed = 0
        known: dict[tuple[int | None, str | None], tuple[RecommendationQuery, RecommendationList]] = {}
        for subscription in self._services.sockets.watching(project, user_id):
            wish = subscription.wish or {}
            try:
                self._services.access.check_still(Principal.of(wish["principal"]))
            except Unauthenticated:
                self._services.sockets.drop(subscription)
                self._pusher.close(subscription.connection_id)
                continue
            kind = wish["limit"], wish.get("scenario")
            if kind not in known:
                try:
                    known[kind] = self._recommend(project, user_id, wish)
                except NotFound:  # the scenario was deleted: there is nothing to tell any more
                    continue
            pushed += self._tell(subscription, *known[kind], None)
        return pushed

    def say_goodbye(self, connection_id: str) -> None:
        """End a connection, with a token that goes on where it ended."""
        sockets = self._services.sockets
        connection = sockets.get(connection_id)
        if connection is None:  # it has ended meanwhile
            return
        token = self._resume(connection.principal.project, sockets.subscriptions(connection))
        self._post(connection_id, frames.packed("goodbye", None, resume=token))
        self._end(connection_id)

    def _answer(self, connection: Connection, frame: frames.Frame) -> None:
        principal, connection_id = connection.principal, connection.connection_id
        services, project = self._services, principal.project
        reply: bytes | None = None
        match frame:
            case frames.Ping():
                reply = frames.packed("pong", frame.id)
            case frames.SendEvent():
                services.access.check_scope(principal, Scope.WRITE)
                accepted = events.accept(services, project, [frame])
                reply = frames.packed("accepted", frame.id, **accepted.model_dump())
            case frames.Recommend():
                reply = self._once(principal, frame)
            case frames.Subscribe():
                services.access.check_user(principal, frame.owner)
                limit = frame.limit if "limit" in frame.model_fields_set or frame.scenario is None else None
                wish = {
                    "limit": limit,
                    "scenario": frame.scenario,
                    "properties": frame.properties,
                    "principal": principal.facts(),
                }
                self._subscribe(connection, frame.owner, wish, frame.id, None)
            case frames.Unsubscribe():
                services.sockets.unsubscribe(connection, frame.owner)
                reply = frames.packed("unsubscribed", frame.id, **_named(frame.owner))
            case frames.Resume():
                found = services.tokens.resumed(project, frame.token)
                self._pusher.post(connection_id, frames.packed("resumed", frame.id, subscriptions=len(found)))
                for one in found:
                    services.access.check_user(principal, one["user"])
                    wish = {**{name: one.get(name) for name in RESUMED}, "principal": principal.facts()}
                    self._subscribe(services.sockets.find(connection_id), one["user"], wish, None, one["shown"])
        if reply is not None:
            self._pusher.post(connection_id, reply)

    def _once(self, principal: Principal, frame: frames.Recommend) -> bytes:
        services, project = self._services, principal.project
        services.access.check_user(principal, frame.owner)
        given = frame.given(consistent=services.tokens.check_freshness(project, frame.after))
        wish = wish_for(services, project, given, frame.scenario, frame.page_after)
        answer = services.recommend.for_user(project, frame.owner, wish)
        shown = answers.view(services, project, answer, wish, frame.owner, properties=frame.properties)
        content = {**_named(frame.owner), **shown.model_dump(mode="json")}
        return frames.fitted("recommendations", frame.id, content)

    def _subscribe(
        self, connection: Connection, user_id: str, wish: Mapping[str, Any], frame_id: str | None, shown: str | None
    ) -> None:
        subscription = self._services.sockets.subscribe(connection, user_id, wish, shown)
        self._tell(subscription, *self._recommend(subscription.project, user_id, wish), frame_id)

    def _recommend(
        self, project: str, user_id: str, wanted: Mapping[str, Any]
    ) -> tuple[RecommendationQuery, RecommendationList]:
        """The list that a subscription wants, as a wish and its answer."""
        given = {"consistent": True} | ({} if wanted["limit"] is None else {"limit": wanted["limit"]})
        wish = wish_for(self._services, project, given, wanted.get("scenario"))
        answer = self._services.recommend.for_user(project, user_id, wish)
        if answer.degraded:
            raise Overloaded("The database cannot be reached; the list will come when it can.")
        return wish, answer

    def _tell(
        self, subscription: Subscription, wish: RecommendationQuery, answer: RecommendationList, frame_id: str | None
    ) -> int:
        """Post a list, unless it is the one that was shown; returns how many frames went out."""
        shown = _digest(answer)
        if shown == subscription.shown:
            return 0
        project, user_id = subscription.project, subscription.user_id
        properties = (subscription.wish or {})["properties"]
        view = answers.view(self._services, project, answer, wish, user_id, properties=properties)
        content = {
            **_named(user_id),
            **view.model_dump(mode="json"),
            "resume": self._resume(subscription.project, [replace(subscription, shown=shown)]),
        }
        try:
            self._pusher.post(subscription.connection_id, frames.fitted("recommendations", frame_id, content))
        except Gone:
            self._services.sockets.drop(subscription)
            return 0
        except Busy as error:
            raise Overloaded("The gateway takes no more frames at the moment.") from error
        self._services.sockets.show(subscription, shown)
        return 1

    def _resume(self, project: str, subscriptions: Sequence[Subscription]) -> str:
        facts = [
            {"user": one.user_id, "shown": one.shown, **{name: (one.wish or {}).get(name) for name in RESUMED}}
            for one in subscriptions
        ]
        return self._services.tokens.resume(project, facts)

    def _post(self, connection_id: str, frame: bytes) -> None:
        """Post what nobody waits for."""
        try:
            self._pusher.post(connection_id, frame)
        except (Gone, Busy):
            return

    def _end(self, connection_id: str) -> None:
        self._services.sockets.end(connection_id)
        self._pusher.close(connection_id)

    @contextmanager
    def _told(self, route: str) -> Iterator[tuple[RequestLog, "_Outcome"]]:
        """Around each message: its deadline and its line in the log."""
        settings, outcome = self._services.settings, _Outcome()
        work = RequestLog(uuid4().hex, route=f"socket {route}")
        with telemetry.doing(work), within(settings.request_deadline_seconds):
            try:
                yield work, outcome
            finally:
                telemetry.tell_request(work, METHOD, outcome.status, cold_start=False, emf=settings.emf)


@dataclass
class _Outcome:
    status: HTTPStatus = HTTPStatus.OK


def _named(user_id: str) -> dict[str, str]:
    session_id = session_of(user_id)
    return {"user_id": user_id} if session_id is None else {"session_id": session_id}


def _digest(answer: RecommendationList) -> str:
    """Of the items in their order."""
    names = "\n".join(one.item_id for one in answer.recommendations)
    return blake2b(names.encode(), digest_size=8).hexdigest()

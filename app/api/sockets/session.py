"""Live sockets without the wire: API Gateway and uvicorn both connect, receive and push through `SocketApi`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from app import telemetry
from app.api.http import problems
from app.api.routes import events
from app.api.schemas.owners import owned_by_default
from app.api.sockets import frames
from app.api.sockets.handshake import PROTOCOL, Handshake
from app.api.sockets.push import Busy, Gone, Pusher, TooLarge
from app.api.sockets.subscriptions import Subscriptions, list_frame, owner_of
from app.deadline import within
from app.domain.access import Principal, Scope
from app.domain.sockets import Connection, WatchedList
from app.errors import InvalidInput, SerendipError, Unauthenticated, Unavailable
from app.services.bundle import Services
from app.telemetry import RequestLog

METHOD = "SOCKET"
TOO_LARGE = InvalidInput("The response is larger than a frame can be. Ask for fewer items, or for few `fields`.")


class SocketApi:
    def __init__(self, services: Services, pusher: Pusher) -> None:
        self._services, self._pusher = services, pusher
        self._subscriptions = Subscriptions(services, pusher)

    def connect(self, connection_id: str, handshake: Handshake) -> str | None:
        """Authenticates a client; returns the subprotocol to confirm, if the client offered ours.

        Raises:
            Unauthenticated, Forbidden, LimitExceeded, Unavailable.
        """
        services = self._services
        with self._logged("connect") as (log, outcome):
            log.follow(handshake.headers.get("traceparent"))
            try:
                principal = handshake.principal(services)
                log.project = principal.project
                services.access.check_scope(principal, Scope.RECOMMEND)
                services.access.check_has_data(principal)
                services.limiter.spend(principal)
                services.sockets.open(connection_id, principal)
                services.usage.count(principal.project, principal.credential, log)
            except SerendipError as error:
                outcome.status = problems.status_of(error)
                raise
        return PROTOCOL if PROTOCOL in handshake.protocols else None

    def disconnect(self, connection_id: str) -> None:
        """Forgets a connection; if the database is unavailable, its rows expire."""
        with within(self._services.settings.request_deadline_seconds), suppress(Unavailable):
            self._services.sockets.end(connection_id)

    def receive(self, connection_id: str, message: str | bytes) -> None:
        """Answers one message; errors are sent as a frame."""
        services, frame_id = self._services, None
        with self._logged("unreadable") as (log, outcome):
            try:
                connection = services.sockets.find(connection_id)
                principal = connection.principal
                log.project = principal.project
                services.access.recheck(principal)
                services.limiter.spend(principal)
                with owned_by_default(principal.user_id):
                    frame = frames.parsed(message)
                    frame_id, log.route = frame.id, f"socket {frame.action}"
                    log.follow(frame.traceparent)
                    self._answer(connection, frame)
                services.usage.count(principal.project, principal.credential, log)
                if services.sockets.is_leaving(connection):
                    self.say_goodbye(connection_id)
            except Gone:
                services.sockets.end(connection_id)
            except Busy:  # an error frame could not be sent either
                outcome.status = HTTPStatus.SERVICE_UNAVAILABLE
            except TooLarge:
                outcome.status = problems.status_of(TOO_LARGE)
                self._post(connection_id, frames.of_error(TOO_LARGE, log.request_id, frame_id))
            except SerendipError as error:
                outcome.status = problems.status_of(error)
                self._post(connection_id, frames.of_error(error, log.request_id, frame_id))
                if isinstance(error, Unauthenticated):
                    self._end(connection_id)
            except Exception as error:  # noqa: BLE001 - the socket stays open
                outcome.status = HTTPStatus.INTERNAL_SERVER_ERROR
                telemetry.log_failure(log, error)
                self._post(connection_id, frames.of_error(None, log.request_id, frame_id))
        if services.usage.due():
            services.usage.write()

    def any_of(self, project: str) -> bool:
        """Whether a project may have live sockets."""
        return self._services.sockets.any_of(project)

    def push(self, project: str, user_id: str) -> int:
        """Pushes a user's list to all subscribers that were shown a different one; see `Subscriptions.push`."""
        return self._subscriptions.push(project, user_id)

    def say_goodbye(self, connection_id: str) -> None:
        """Ends a connection and sends the token that resumes it."""
        sockets = self._services.sockets
        connection = sockets.get(connection_id)
        if connection is None:  # it has ended in the meantime
            return
        token = self._subscriptions.resume_token(connection.principal.project, sockets.subscriptions(connection))
        self._post(connection_id, frames.packed("goodbye", None, resume=token))
        self._end(connection_id)

    def _answer(self, connection: Connection, frame: frames.Frame) -> None:
        principal, services = connection.principal, self._services
        reply: bytes | None = None
        match frame:
            case frames.Ping():
                reply = frames.packed("pong", frame.id)
            case frames.SendEvent():
                services.access.check_sender(principal)
                if principal.sends_only_own:
                    services.limiter.spend_of_user(principal)
                accepted = events.accept(services, principal, [frame], [""])
                reply = frames.packed("accepted", frame.id, **accepted.model_dump())
            case frames.Recommend():
                reply = self._recommend(principal, frame)
            case frames.Subscribe():
                services.access.check_user(principal, frame.owner)
                self._subscriptions.subscribe(connection, frame.watched(), frame.id)
            case frames.Unsubscribe():
                services.sockets.unsubscribe(connection, frame.owner)
                reply = frames.packed("unsubscribed", frame.id, **owner_of(frame.owner))
            case frames.Resume():
                self._resume(connection, services.tokens.resumed(principal.project, frame.token), frame.id)
        if reply is not None:
            self._pusher.post(connection.connection_id, reply)

    def _recommend(self, principal: Principal, frame: frames.Recommend) -> bytes:
        services = self._services
        services.access.check_user(principal, frame.owner)
        request = frame.request()
        services.access.check_rules(principal, request)
        response = services.recommendations.for_user(principal.project, frame.owner, request)
        return list_frame(frame.owner, response, frame.id)

    def _resume(self, connection: Connection, lists: list[WatchedList], frame_id: str | None) -> None:
        services, connection_id = self._services, connection.connection_id
        self._pusher.post(connection_id, frames.packed("resumed", frame_id, subscriptions=len(lists)))
        for watched in lists:
            services.access.check_user(connection.principal, watched.user_id)
            self._subscriptions.subscribe(services.sockets.find(connection_id), watched, None)

    def _post(self, connection_id: str, frame: bytes) -> None:
        """Posts a frame that may be lost."""
        with suppress(Gone, Busy):
            self._pusher.post(connection_id, frame)

    def _end(self, connection_id: str) -> None:
        self._services.sockets.end(connection_id)
        self._pusher.close(connection_id)

    @contextmanager
    def _logged(self, route: str) -> Iterator[tuple[RequestLog, "_Outcome"]]:
        """Limits the time of a message and logs it."""
        settings, outcome = self._services.settings, _Outcome()
        log = RequestLog(uuid4().hex, route=f"socket {route}")
        with telemetry.logging_context(log), within(settings.request_deadline_seconds):
            try:
                yield log, outcome
            finally:
                telemetry.log_request(log, METHOD, outcome.status, cold_start=False, emf=settings.emf)


@dataclass
class _Outcome:
    status: HTTPStatus = HTTPStatus.OK

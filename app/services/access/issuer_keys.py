"""The public keys of an OIDC issuer, which may be slow, down or hostile without stopping any other request."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextvars import copy_context
from threading import Lock, Semaphore, Thread
from typing import TYPE_CHECKING, Any

from app import telemetry
from app.clock import Clock
from app.config import Issuer, Settings
from app.deadline import remaining_seconds, waiting_outside
from app.errors import IssuerUnavailable, SerendipError, Unauthenticated

if TYPE_CHECKING:
    from jwt import PyJWK

DISCOVERY = "/.well-known/openid-configuration"
MAX_KEY_ID = 256
WAIT_SECONDS = 2.0
"""A request waits no longer for keys; the fetch goes on in the background."""
MAX_WAITING = 8
"""Requests that may wait at once, so that others keep their threads."""
Fetch = Callable[[str], Mapping[str, Any]]
"""Fetches a JSON document by its URL; raises Unavailable."""


class IssuerKeys:
    """The keys are fetched at first use, by one thread at a time, and kept during an outage.

    They are fetched again when they are old, or when a token names another one; after each fetch there is a pause.
    """

    def __init__(self, issuer: Issuer, settings: Settings, fetch: Fetch, clock: Clock) -> None:
        self.issuer, self._fetch, self._clock = issuer, fetch, clock
        self._ttl_seconds, self._pause_seconds = settings.issuer_ttl_seconds, settings.issuer_pause_seconds
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._running: Future[None] | None = None
        self._lock, self._waiting = Lock(), Semaphore(MAX_WAITING)

    def get(self, key_id: object) -> "PyJWK":
        """Returns the key with an id. A token without a key id gets the issuer's only key.

        Raises:
            Unauthenticated: the issuer does not have the key.
            IssuerUnavailable: the key is not known, and the issuer does not answer.
        """
        if key_id is not None and (not isinstance(key_id, str) or len(key_id) > MAX_KEY_ID):
            raise Unauthenticated("The token's key id is not valid.")
        fetch = self._fetch_if_due(key_id)
        key = self._find(key_id)
        if key is None and fetch is not None:
            self._wait(fetch)
            key = self._find(key_id)
        if not self._keys:
            raise IssuerUnavailable("The token's issuer does not answer. Try again later.")
        if key is None:
            raise Unauthenticated("The token is not signed with a key of its issuer.")
        return key

    def _find(self, key_id: str | None) -> "PyJWK | None":
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    def _fetch_if_due(self, key_id: str | None) -> "Future[None] | None":
        """Returns the fetch that runs, which it starts if it is due; None if none runs."""
        with self._lock:
            now = self._clock.monotonic()
            is_wanted = now - self._fetched_at >= self._ttl_seconds or self._find(key_id) is None
            if self._running is None and is_wanted and now - self._tried_at >= self._pause_seconds:
                self._tried_at, self._running = now, Future()
                Thread(target=copy_context().run, args=(self._refresh, self._running), daemon=True).start()
            return self._running

    def _wait(self, fetch: "Future[None]") -> None:
        """Waits until a fetch has ended, for better or worse. Raises IssuerUnavailable if that takes too long."""
        is_waiting = self._waiting.acquire(blocking=False)
        try:
            with waiting_outside():
                fetch.result(min(WAIT_SECONDS, max(remaining_seconds(), 0.0)) if is_waiting else 0.0)
        except TimeoutError as error:
            raise IssuerUnavailable("The token's issuer is slow. Try again later.") from error
        finally:
            if is_waiting:
                self._waiting.release()

    def _refresh(self, fetch: "Future[None]") -> None:
        keys = None
        try:
            keys = self._fetched()
        except (SerendipError, KeyError, TypeError, AttributeError) as error:
            telemetry.log_failure(telemetry.current(), error)
        finally:
            with self._lock:  # whoever sees the new keys sees that the fetch has ended
                if keys is not None:
                    self._keys, self._fetched_at = keys, self._clock.monotonic()
                self._running = None
            fetch.set_result(None)

    def _fetched(self) -> "dict[str, PyJWK]":
        from jwt import PyJWK  # noqa: PLC0415 - takes 0.2 s, and only deployments with issuers need it
        from jwt.exceptions import PyJWTError  # noqa: PLC0415

        address = self.issuer.jwks_uri or str(self._fetch(self.issuer.issuer.rstrip("/") + DISCOVERY)["jwks_uri"])
        keys: dict[str, PyJWK] = {}
        for document in self._fetch(address)["keys"]:
            if document.get("use", "sig") != "sig" or document.get("kty") == "oct":
                continue
            try:
                keys[str(document.get("kid", len(keys)))] = PyJWK(document)
            except PyJWTError:
                continue  # PyJWT does not know the key's type; tokens signed with it are refused
        return keys

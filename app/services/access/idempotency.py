"""Idempotency keys: all requests with the same Idempotency-Key have one effect and one response, for a day.

A request first claims its key, and stores its time and a nonce with the claim. When it has succeeded, its response is
stored, encrypted because it may contain a new API key. If a request was killed in between, the next request with the
key replays its time and random bytes (see `app.clock`), and so writes the same rows.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING

import orjson

from app import clock
from app.clock import Clock
from app.config import Settings
from app.domain.access import Principal
from app.errors import Conflict, InFlight, KeyReused
from app.storage.idempotency import Claim
from app.storage.idempotency import IdempotencyStore as Store

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

NONCE_BYTES = 32
REPLAYED_HEADERS = ("content-type", "etag", "location", "retry-after")
IN_FLIGHT = "Another request with this Idempotency-Key is still running. Try again in a moment."


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """The stored response of an earlier request."""

    status: int
    headers: dict[str, str]
    body: bytes


class Idempotency:
    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._kept = timedelta(seconds=settings.idempotency_seconds)
        self._claimed = timedelta(seconds=settings.claim_seconds)
        self._secret = settings.secret.get_secret_value().encode()

    def begin(self, principal: Principal, key: str, request: bytes) -> Claim | RecordedResponse:
        """Claims a key, or returns the stored response.

        `request` must be the same whenever the key is used: method, path, query and body.

        Raises:
            KeyReused: the key was used with a different request.
            InFlight: the first request with the key is still running.
        """
        sender = principal.credential if principal.user_id is None else f"{principal.credential}\n{principal.user_id}"
        name = blake2b(f"{sender}\n{key}".encode(), digest_size=24).hexdigest()
        digest, now = sha256(request).hexdigest(), self._clock.now()
        stored = self._store.get(principal.project, name)
        if stored is not None:
            if not hmac.compare_digest(stored.request, digest):
                raise KeyReused("This Idempotency-Key was already used with a different request. Use a new key.")
            if stored.status is not None and stored.answer is not None:
                return self._recorded(stored.status, stored.answer)
            if now < stored.claimed_until <= now + self._claimed:  # later only if a clock was wrong
                raise InFlight(IN_FLIGHT)
        claim = Claim(
            name=name,
            request=digest,
            claimed_until=now + self._claimed,
            first_at=stored.first_at if stored else now,
            nonce=stored.nonce if stored else clock.random_hex(NONCE_BYTES),
            expires_at=stored.expires_at if stored else now + self._kept,
        )
        try:
            self._store.put(principal.project, claim, stored)
        except Conflict as error:
            raise InFlight(IN_FLIGHT) from error
        return claim

    @contextmanager
    def effect(self, claim: Claim) -> Iterator[None]:
        """Runs the request of a claim at the same time and with the same random bytes as its first attempt."""
        seed = hmac.digest(self._secret, f"effect\n{claim.nonce}".encode(), "sha512")
        with clock.frozen(claim.first_at, seed):
            yield

    def finish(self, principal: Principal, claim: Claim, response: RecordedResponse) -> None:
        """Stores the response for repeated requests."""
        headers = {name: value for name, value in response.headers.items() if name in REPLAYED_HEADERS}
        plain = orjson.dumps([headers, response.body.decode()])
        finished = replace(claim, status=response.status, answer=self._cipher().encrypt(plain))
        self._store.put(principal.project, finished, claim)

    def discard(self, principal: Principal, claim: Claim) -> None:
        """Deletes the claim of a refused request, which had no effect; another request may use the key."""
        self._store.delete(principal.project, claim.name)

    def release(self, principal: Principal, claim: Claim) -> None:
        """Releases the claim of a failed request, which may be repeated at once and replays its time."""
        self._store.put(principal.project, replace(claim, claimed_until=claim.first_at), claim)

    def _recorded(self, status: int, encrypted: bytes) -> RecordedResponse:
        headers, body = orjson.loads(self._cipher().decrypt(encrypted))
        return RecordedResponse(status, headers, body.encode())

    def _cipher(self) -> "Fernet":
        from cryptography.fernet import Fernet  # noqa: PLC0415 - only requests with a key need it

        return Fernet(urlsafe_b64encode(hmac.digest(self._secret, b"idempotency", "sha256")))

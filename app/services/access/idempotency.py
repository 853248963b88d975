"""Requests that can be repeated: each Idempotency-Key has one effect and one answer, for a day.

A request first claims its key, with the moment and a nonce that its effect is derived from; when it has succeeded, its
answer is stored, encrypted, because it may show a new API key. One that was killed in between is repeated by the next
request with the key at the same moment and with the same randomness (see `app.clock`), and so writes the same rows.
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


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """An answer that was given before."""

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
        """Claim the right to answer, or get the answer that was given.

        `request` is what must be the same when the key comes again: method, path, query and body.

        Raises:
            KeyReused: it came with another request.
            InFlight: the first request is being answered.
        """
        name = blake2b(f"{principal.credential}\n{key}".encode(), digest_size=24).hexdigest()
        digest, now = sha256(request).hexdigest(), self._clock.now()
        known = self._store.get(principal.project, name)
        if known is not None:
            if not hmac.compare_digest(known.request, digest):
                raise KeyReused("This Idempotency-Key came with another request before. Use a new one.")
            if known.status is not None and known.answer is not None:
                return self._recorded(known.status, known.answer)
            if known.claimed_until > now:
                raise InFlight("A request with this Idempotency-Key is being answered. Try again in a moment.")
        claim = Claim(
            name=name,
            request=digest,
            claimed_until=now + self._claimed,
            first_at=known.first_at if known else now,
            nonce=known.nonce if known else clock.random_hex(NONCE_BYTES),
            expires_at=known.expires_at if known else now + self._kept,
        )
        try:
            self._store.put(principal.project, claim, known)
        except Conflict as error:
            raise InFlight("A request with this Idempotency-Key is being answered. Try again in a moment.") from error
        return claim

    @contextmanager
    def effect(self, claim: Claim) -> Iterator[None]:
        """In here, the claim's request is done at the same moment and with the same randomness every time."""
        seed = hmac.digest(self._secret, f"effect\n{claim.nonce}".encode(), "sha512")
        with clock.frozen(claim.first_at, seed):
            yield

    def finish(self, principal: Principal, claim: Claim, answer: RecordedResponse) -> None:
        """Store the answer for repetitions."""
        kept = {name: value for name, value in answer.headers.items() if name in REPLAYED_HEADERS}
        plain = orjson.dumps([kept, answer.body.decode()])
        done = replace(claim, status=answer.status, answer=self._cipher().encrypt(plain))
        self._store.put(principal.project, done, claim)

    def give_up(self, principal: Principal, claim: Claim) -> None:
        """The request was refused before it did anything: the key may be used for another one."""
        self._store.delete(principal.project, claim.name)

    def let_go(self, principal: Principal, claim: Claim) -> None:
        """The request failed, perhaps half-way: it may be repeated at once, at the same moment."""
        self._store.put(principal.project, replace(claim, claimed_until=claim.first_at), claim)

    def _recorded(self, status: int, answer: bytes) -> RecordedResponse:
        headers, body = orjson.loads(self._cipher().decrypt(answer))
        return RecordedResponse(status, headers, body.encode())

    def _cipher(self) -> "Fernet":
        from cryptography.fernet import Fernet  # noqa: PLC0415 - only requests with a key pay for it

        return Fernet(urlsafe_b64encode(hmac.digest(self._secret, b"idempotency", "sha256")))

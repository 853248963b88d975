"""Reads from the bytes of a request what the gate needs to know, before anything is built for it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_WHOLE = re.compile(rb"GET (/v1/[!-$&-~]*?)(?:\?[!-~]*)? HTTP/1\.1\r\n(?:[!-9;-~]+:[^\r\n]*\r\n)+\r\n").fullmatch
_UNUSUAL = re.compile(
    rb"\n(?:content-length|expect|transfer-encoding|upgrade|connection:[ \t]*+(?!keep-alive\r))", re.IGNORECASE
).search
_CREDENTIALS = re.compile(rb"\n(?:authorization|x-api-key):[ \t]*([^\r]*)", re.IGNORECASE).findall


@dataclass(frozen=True, slots=True)
class Head:
    """A request without a body, on a connection that stays open."""

    path: str
    credentials: int


def plain_head(data: bytes) -> Head | None:
    """Returns the head if these bytes are one plain request of the API; None if they are anything else.

    A request that only looks plain does no harm: it is parsed when it starts.
    """
    matched = _WHOLE(data)
    if matched is None or _UNUSUAL(data) is not None:
        return None
    return Head(matched[1].decode(), hash(tuple(_CREDENTIALS(data))))


def credentials_in(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Returns a digest of the credentials in the headers of a request, without checking them."""
    return hash(tuple(value for name, value in headers if name in {b"authorization", b"x-api-key"}))

"""Fetches the documents of an OIDC issuer."""

import json
from collections.abc import Mapping
from time import monotonic
from typing import Any

import urllib3

from app.errors import Unavailable

TIMEOUT = urllib3.Timeout(connect=2, read=3)
MOST_SECONDS = 10.0
"""For a whole document: an issuer may send a byte at a time."""
MAX_BYTES, CHUNK_BYTES = 1024 * 1024, 64 * 1024


def fetch(url: str) -> Mapping[str, Any]:
    """Gets a JSON object.

    Raises:
        Unavailable: there was no response, or it is not a JSON object.
    """
    try:
        with urllib3.PoolManager(timeout=TIMEOUT, retries=urllib3.Retry(1, redirect=0)) as pool:
            response = pool.request("GET", url, preload_content=False, headers={"Accept": "application/json"})
            body = _read(response)
        document = json.loads(body) if response.status == 200 else None  # noqa: PLR2004 - OK
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise Unavailable("The issuer cannot be reached.") from error
    if not isinstance(document, dict):
        raise Unavailable("The issuer's response is not a JSON object.")
    return document


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    """Reads a body. Raises Unavailable if it is too large or takes too long."""
    body, ends_at = b"", monotonic() + MOST_SECONDS
    while chunk := response.read1(CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BYTES or monotonic() > ends_at:
            raise Unavailable("The issuer's response is too large or too slow.")
    return body

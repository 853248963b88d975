"""Fetches an issuer's documents."""

import json
from collections.abc import Mapping
from typing import Any

import urllib3

from app.errors import Unavailable

TIMEOUT = urllib3.Timeout(connect=2, read=3)
MAX_BYTES = 1024 * 1024


def fetch(url: str) -> Mapping[str, Any]:
    """Get a JSON object.

    Raises:
        Unavailable: there was no answer, or none that is a JSON object.
    """
    try:
        with urllib3.PoolManager(timeout=TIMEOUT, retries=urllib3.Retry(1, redirect=0)) as pool:
            answer = pool.request("GET", url, preload_content=False, headers={"Accept": "application/json"})
            body = answer.read(MAX_BYTES)
            answer.release_conn()
        document = json.loads(body) if answer.status == 200 else None  # noqa: PLR2004 - OK
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise Unavailable("The issuer cannot be reached.") from error
    if not isinstance(document, dict):
        raise Unavailable("The issuer answered something else than a JSON object.")
    return document

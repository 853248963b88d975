"""Fetches the documents of an OIDC issuer."""

import json
from collections.abc import Mapping
from typing import Any

import urllib3

from app.errors import Unavailable

TIMEOUT = urllib3.Timeout(connect=2, read=3)
MAX_BYTES = 1024 * 1024


def fetch(url: str) -> Mapping[str, Any]:
    """Gets a JSON object.

    Raises:
        Unavailable: there was no response, or it is not a JSON object.
    """
    try:
        with urllib3.PoolManager(timeout=TIMEOUT, retries=urllib3.Retry(1, redirect=0)) as pool:
            response = pool.request("GET", url, preload_content=False, headers={"Accept": "application/json"})
            body = response.read(MAX_BYTES)
            response.release_conn()
        document = json.loads(body) if response.status == 200 else None  # noqa: PLR2004 - OK
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise Unavailable("The issuer cannot be reached.") from error
    if not isinstance(document, dict):
        raise Unavailable("The issuer's response is not a JSON object.")
    return document

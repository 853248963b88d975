"""The collection of requests for Postman, Bruno and others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson

from tests import clients
from tests.clients.python_source import operations
from tests.openapi import published
from tests.support.datasets import ROOT

STORED = ROOT / "clients" / clients.COLLECTION
NEED_MORE = {"DELETE /v1/events", "GET /v1/recommendations/{recommendation_id}"}
"""The requests that need a condition, or the id of a response."""
INVALID = {400, 405, 415, 422}


def requests() -> Iterator[dict[str, Any]]:
    for folder in orjson.loads(STORED.read_bytes())["item"]:
        yield from (item["request"] for item in folder["item"])


def path_of(request: dict[str, Any]) -> str:
    """Returns the template of a path, as the document has it."""
    parts = [f"{{{part[1:]}}}" if part.startswith(":") else part for part in request["url"]["path"]]
    return "/" + "/".join(parts)


class TestCollection:
    def test_it_is_that_of_the_document(self, tmp_path: Path) -> None:
        clients.generate_collection(tmp_path)

        assert STORED.read_text() == (tmp_path / clients.COLLECTION).read_text(), "run `make clients`"

    def test_it_has_every_operation(self) -> None:
        named = {(request["method"], request["url"]["raw"]) for request in requests()}

        assert len(named) == len(list(operations(published())))

    def test_every_request_is_valid_as_it_is(self, client: httpx2.Client) -> None:
        refused = {}
        for request in requests():
            url = request["url"]["raw"].replace("{{baseUrl}}", "")
            for variable in request["url"]["variable"]:
                url = url.replace(f":{variable['key']}", variable["value"], 1)
            query = {each["key"]: each["value"] for each in request["url"]["query"] if not each["disabled"]}
            content = request.get("body", {}).get("raw")
            headers = {"Content-Type": "application/json"} if content else {}
            response = client.request(request["method"], url, params=query, content=content, headers=headers)
            if response.status_code in INVALID:
                refused[f"{request['method']} {path_of(request)}"] = response.json()["detail"]

        assert set(refused) == NEED_MORE, refused

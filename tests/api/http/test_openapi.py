"""The OpenAPI document is complete enough to generate clients from."""

from collections.abc import Callable
from typing import Any

import httpx2
import orjson
import pytest

from app.entry.cli.operations import gateway_document
from tests import openapi

Change = Callable[[dict[str, Any]], object]
BREAKS: dict[str, Change] = {
    "an operation is removed": lambda document: document["paths"].pop("/v1/usage"),
    "a field of a response is removed": lambda document: document["components"]["schemas"]["ItemView"][
        "properties"
    ].pop("title"),
    "a field becomes required": lambda document: document["components"]["schemas"]["KeyIn"]["required"].append(
        "limits"
    ),
    "a bound is narrowed": lambda document: document["components"]["schemas"]["UserTokenIn"]["properties"][
        "expires_in_seconds"
    ].update(maximum=60),
    "a parameter is removed": lambda document: document["paths"]["/v1/usage"]["get"]["parameters"].pop(),
}
ADDITIONS: dict[str, Change] = {
    "an operation": lambda document: document["paths"].update({"/v1/more": document["paths"]["/v1/usage"]}),
    "an optional field": lambda document: document["components"]["schemas"]["KeyIn"]["properties"].update(
        note={"type": "string"}
    ),
    "a field of a response": lambda document: document["components"]["schemas"]["ItemView"]["properties"].update(
        note={"type": "string"}
    ),
}


@pytest.fixture
def operations(client: httpx2.Client) -> list[dict[str, Any]]:
    document = client.get("/openapi.json").json()
    assert client.get("/openapi.json").json() == document
    return [operation for path in document["paths"].values() for operation in path.values()]


class TestOpenApi:
    def test_every_operation_has_its_own_id_summary_and_description(self, operations: list[dict[str, Any]]) -> None:
        assert len({operation["operationId"] for operation in operations}) == len(operations)
        assert len({operation["summary"] for operation in operations}) == len(operations)
        assert all(operation["description"] for operation in operations)

    def test_every_error_is_a_shared_problem_document(self, client: httpx2.Client) -> None:
        document = client.get("/openapi.json").json()
        errors = {
            response.get("$ref")
            for path in document["paths"].values()
            for operation in path.values()
            for status, response in operation["responses"].items()
            if int(status) >= 400
        }

        problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        shared = document["components"]["responses"]
        assert errors == {f"#/components/responses/{name}" for name in shared}
        assert [response["content"] for response in shared.values()] == [problem] * len(shared)

    def test_every_tag_is_described_and_in_one_group(self, client: httpx2.Client) -> None:
        document = client.get("/openapi.json").json()

        grouped = [tag for group in document["x-tagGroups"] for tag in group["tags"]]
        used = {tag for path in document["paths"].values() for operation in path.values() for tag in operation["tags"]}
        assert grouped == [tag["name"] for tag in document["tags"]]
        assert set(grouped) == used


class TestSnapshot:
    def test_the_document_does_not_break_clients_of_the_published_one(self) -> None:
        assert openapi.breaking(openapi.published(), gateway_document.plain()) == []

    def test_the_published_document_is_the_served_one(self) -> None:
        assert openapi.published() == orjson.loads(orjson.dumps(gateway_document.plain())), "run `make openapi`"

    @pytest.mark.parametrize("name", BREAKS)
    def test_a_breaking_change_is_found(self, name: str) -> None:
        changed = openapi.published()
        BREAKS[name](changed)

        assert openapi.breaking(openapi.published(), changed) != []

    @pytest.mark.parametrize("name", ADDITIONS)
    def test_an_addition_breaks_nothing(self, name: str) -> None:
        changed = openapi.published()
        ADDITIONS[name](changed)

        assert openapi.breaking(openapi.published(), changed) == []

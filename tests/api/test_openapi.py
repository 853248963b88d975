"""The OpenAPI document is rich enough to build clients from."""

from typing import Any

import httpx2
import pytest


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

    def test_every_error_is_a_problem_document(self, operations: list[dict[str, Any]]) -> None:
        contents = [
            response["content"]
            for operation in operations
            for status, response in operation["responses"].items()
            if int(status) >= 400
        ]

        problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        assert contents
        assert [content for content in contents if content != problem] == []

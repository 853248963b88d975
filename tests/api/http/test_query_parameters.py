"""Unknown query parameters are refused, so that a typing error is never ignored."""

import re

import httpx2
import pytest

from tests import openapi

OPERATIONS = {
    operation["operationId"]: (method.upper(), re.sub(r"\{[a-z_]+\}", "a", path))
    for path, operations in openapi.published()["paths"].items()
    for method, operation in operations.items()
}


class TestUnknownParameters:
    @pytest.mark.parametrize("operation_id", OPERATIONS)
    def test_every_operation_refuses_an_unknown_parameter(self, client: httpx2.Client, operation_id: str) -> None:
        method, path = OPERATIONS[operation_id]

        response = client.request(method, path, params={"unheard_of": "1"})

        assert response.status_code == 422, response.text
        (error,) = response.json()["errors"]
        assert error["pointer"] == "unheard_of"
        assert "is not a parameter of this operation" in error["detail"]

    @pytest.mark.parametrize(
        ("url", "nearest"),
        [
            ("/v1/items?limt=5", "limit"),
            ("/v1/users?cursr=x", "cursor"),
            ("/v1/outcomes?day=3", "days"),
            ("/v1/users/ann/recommendations?page_after=x", "fresh_after"),
        ],
    )
    def test_the_problem_names_the_nearest_parameter(self, client: httpx2.Client, url: str, nearest: str) -> None:
        response = client.get(url)

        assert response.status_code == 422
        assert response.json()["errors"][0]["detail"].endswith(f"did you mean {nearest}?")

    def test_an_operation_without_parameters_says_so(self, client: httpx2.Client) -> None:
        response = client.get("/health/live?verbose=1")

        assert "which has no query parameters" in response.json()["errors"][0]["detail"]

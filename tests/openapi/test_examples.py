"""Every request body has an example, which succeeds as it is in the sample project."""

from random import Random
from typing import Any

import httpx2
import pytest

from app.api.http.examples import PARAMETERS, REQUESTS
from app.domain.access import ADMINISTRATION
from app.entry.cli.operations import gateway_document
from app.entry.local import sample_shop
from app.wiring import Wired
from tests.support.api_calls import train
from tests.support.builders import a_project, client_of

ADMINISTERING = {"createProject", "patchProject"}
DOCUMENT = gateway_document.plain()
CALLS: dict[str, tuple[str, str, Any]] = {
    operation["operationId"]: (method, path, operation["requestBody"]["content"]["application/json"].get("example"))
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if "requestBody" in operation
}


@pytest.fixture
def sample(client: httpx2.Client) -> httpx2.Client:
    """A client of a project with two model versions and the records of the sample shop that the examples name."""
    shop = {item.item_id: item for item in sample_shop.items(Random(sample_shop.SEED))}
    items = [{"item_id": item_id, "title": shop[item_id].title} for item_id in ("sku-007", "sku-042", "sku-101")]
    assert client.post("/v1/items:batch", json={"items": items}).is_success
    assert client.put("/v1/users/user-001", json={}).is_success
    train(client)
    assert client.post("/v1/models").is_success
    return client


class TestExamples:
    def test_every_body_has_an_example(self) -> None:
        assert set(CALLS) == set(REQUESTS)
        assert [name for name, (_, _, example) in CALLS.items() if example != REQUESTS[name]] == []

    def test_every_path_parameter_has_an_example(self) -> None:
        names = {
            parameter["name"]: parameter.get("example")
            for path in DOCUMENT["paths"].values()
            for operation in path.values()
            for parameter in operation.get("parameters", ())
            if parameter["in"] == "path"
        }

        assert names == {name: PARAMETERS.get(name) for name in names}
        assert None not in names.values()

    def test_every_example_succeeds(self, sample: httpx2.Client, wired: Wired) -> None:
        administrator = client_of(wired, a_project(wired, ADMINISTRATION))
        key_id = sample.post("/v1/keys", json={"name": "old", "scopes": ["recommend"]}).json()["key_id"]
        versions = [version["version"] for version in sample.get("/v1/models").json()["versions"]]

        statuses = {}
        for name, (method, path, example) in sorted(CALLS.items()):
            content = example
            if name == "putRollout":  # the versions of each project have ids of their own
                content = {**example, "shares": dict(zip(versions, example["shares"].values(), strict=True))}
            url = path.format_map({**PARAMETERS, "key_id": key_id})
            caller = administrator if name in ADMINISTERING else sample
            response = caller.request(method, url, json=content)
            statuses[name] = response.status_code if response.is_success else response.text

        assert [refusal for refusal in statuses.items() if isinstance(refusal[1], str)] == []

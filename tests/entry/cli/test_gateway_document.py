"""The document that API Gateway imports; tests/infra/test_deployment.py lets an emulated gateway import it."""

import json
from collections import Counter
from typing import Any

import pytest
from typer.testing import CliRunner

from app.entry.cli.main import cli
from app.entry.cli.operations import gateway_document

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:serendip-api:live"


@pytest.fixture(params=["http", "rest"])
def imported(request: pytest.FixtureRequest) -> dict[str, Any]:
    return gateway_document.importable(gateway_document.plain(), FUNCTION, rest=request.param == "rest")


class TestDocument:
    def test_every_operation_invokes_the_function(self, imported: dict[str, Any]) -> None:
        uri = f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
        operations = [operation for path in imported["paths"].values() for operation in path.values()]

        assert {operation["x-amazon-apigateway-integration"]["uri"] for operation in operations} == {uri}
        id_counts = Counter(operation["operationId"] for operation in operations if "operationId" in operation)
        assert set(id_counts.values()) == {1}

    def test_path_variables_are_whole_segments_and_declared(self, imported: dict[str, Any]) -> None:
        for path, operations in imported["paths"].items():
            variables = [segment[1:-1].rstrip("+") for segment in path.split("/") if segment.startswith("{")]
            assert all(segment.endswith("}") for segment in path.split("/") if segment.startswith("{")), path
            for operation in operations.values():
                assert [parameter["name"] for parameter in operation.get("parameters", ())] == variables, path

    def test_operations_without_a_path_of_their_own_match_another_path(self) -> None:
        document = gateway_document.plain()
        paths = gateway_document.importable(document, FUNCTION, rest=False)["paths"]

        for path, operations in document["paths"].items():
            matching = paths.get(path) or paths[path.rpartition(":")[0]]
            assert set(operations) <= set(matching)

    def test_a_function_name_is_refused_as_an_arn(self) -> None:
        with pytest.raises(ValueError, match="not the ARN"):
            gateway_document.importable(gateway_document.plain(), "serendip-api", rest=False)


class TestCommand:
    def test_openapi_prints_both_documents(self) -> None:
        plain = CliRunner().invoke(cli, ["openapi"])
        rest = CliRunner().invoke(cli, ["openapi", "--function", FUNCTION, "--rest"])

        assert json.loads(plain.stdout)["openapi"].startswith("3.1")
        assert "/{proxy+}" in json.loads(rest.stdout)["paths"]
        assert CliRunner().invoke(cli, ["openapi", "--function", "serendip-api"]).exit_code == 2

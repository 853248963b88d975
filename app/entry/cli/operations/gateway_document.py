"""The OpenAPI document as API Gateway imports it: each operation with its integration, and nothing it refuses."""

import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from pydantic import SecretStr

from app.api.application import create_application
from app.config import Settings
from app.services.bundle import Services

VERSION = "3.0.1"
"""OpenAPI's version; API Gateway supports no newer one."""
INTEGRATION, ANY = "x-amazon-apigateway-integration", "x-amazon-apigateway-any-method"
CUSTOM_METHOD = re.compile(r"(\{\w+\}):\w+$")
"""`{version}:activate`. API Gateway's variables are whole segments, so `{version}` matches it as well."""
UNUSED = SecretStr("signs nothing: no request is served here")
REST = {"passthroughBehavior": "when_no_match", "payloadFormatVersion": "1.0"}
HTTP = {"payloadFormatVersion": "2.0"}


def plain() -> dict[str, Any]:
    """The application's own document; needs no database."""
    services = cast("Services", SimpleNamespace(settings=Settings(secret=UNUSED)))
    return create_application(services).openapi()


def importable(document: Mapping[str, Any], function: str, *, rest: bool) -> dict[str, Any]:
    """The document for ImportApi or ImportRestApi.

    Request and response schemas are omitted: the function validates requests, and `/openapi.json` has the schemas.

    Args:
        document: the one that FastAPI generates.
        function: the ARN of the function, or of its alias, to invoke.
        rest: for a REST API instead of an HTTP API.

    Raises:
        ValueError: `function` is not the ARN of a function.
    """
    integration = _integration(function, rest=rest)
    paths: dict[str, dict[str, Any]] = {}
    for path, operations in document["paths"].items():
        merged = paths.setdefault(CUSTOM_METHOD.sub(r"\1", path), {})
        for method, operation in operations.items():
            merged.setdefault(method, _operation(operation, path) | {INTEGRATION: integration})
    catch_all: dict[str, Any] = {
        "responses": {"default": {"description": "Documentation and its files."}},
        INTEGRATION: integration,
    }
    if rest:
        catch_all["parameters"] = [_variable("proxy")]
    paths["/{proxy+}" if rest else "/$default"] = {ANY: catch_all}
    info = {name: document["info"][name] for name in ("title", "version")}
    return {"openapi": VERSION, "info": info, "paths": paths}


def _integration(function: str, *, rest: bool) -> dict[str, Any]:
    parts = function.split(":")
    if parts[0] != "arn" or parts[2:3] != ["lambda"] or parts[5:6] != ["function"]:
        raise ValueError(f"{function!r} is not the ARN of a function (arn:aws:lambda:REGION:ACCOUNT:function:NAME)")
    partition, region = parts[1], parts[3]
    uri = f"arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"
    return {"type": "aws_proxy", "httpMethod": "POST", "uri": uri, **(REST if rest else HTTP)}


def _operation(operation: Mapping[str, Any], path: str) -> dict[str, Any]:
    return {
        "operationId": operation["operationId"],
        "summary": operation["summary"],
        "tags": operation["tags"],
        "parameters": [_variable(name) for name in re.findall(r"\{(\w+)\}", path)],
        "responses": {"default": {"description": "See /openapi.json."}},
    }


def _variable(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}

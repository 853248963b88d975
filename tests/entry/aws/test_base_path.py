"""Stages and base paths in front of the application, in the payloads that API Gateway sends.

For HTTP APIs see logandk/serverless-wsgi issue 191 and aws-powertools/powertools-lambda-python issue 621; for REST APIs
on custom domains, whose `path` keeps the base path, localstack/localstack pull request 12296.
"""

from asyncio import Runner, set_event_loop
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from app.config import Settings
from app.entry.aws.base_path import base_path
from app.entry.aws.dispatch import Dispatcher, WorkerLauncher
from app.wiring import Wired
from tests.support.payloads import function_url, http_api, rest_api


def http(path: str, stage: str = "$default", route: str = "$default", **parameters: str) -> dict[str, Any]:
    event = http_api(("GET", path, {}, None)) | {"routeKey": route}
    event["requestContext"] |= {"stage": stage, "routeKey": route}
    return event | ({"pathParameters": parameters} if parameters else {})


def rest(path: str, full: str, resource: str = "/{proxy+}", **parameters: str) -> dict[str, Any]:
    event = rest_api(("GET", path, {}, None)) | {"resource": resource, "pathParameters": parameters or None}
    event["requestContext"] |= {"path": full, "resourcePath": resource, "stage": "prod"}
    return event


REST_PROXY = {"proxy": "v1/items/i%2F1"}
PLACES: Mapping[str, tuple[dict[str, Any], tuple[str, bool]]] = {
    "HTTP API, default stage": (http("/v1/items"), ("", False)),
    "HTTP API, named stage": (http("/prod/v1/items", "prod"), ("/prod", True)),
    "HTTP API, a stage named like a path of ours": (http("/v1/v1/items", "v1"), ("/v1", True)),
    "HTTP API, a path that only begins like the stage": (http("/v1x/items", "v1"), ("", False)),
    "HTTP API, named stage, named route": (http("/prod/v1/models", "prod", "POST /v1/models"), ("/prod", True)),
    "HTTP API, base path of two segments": (
        http("/shop/rec/console/a.js", route="GET /console/{proxy+}", proxy="a.js"),
        ("/shop/rec", True),
    ),
    "HTTP API, the stage alone": (http("/prod", "prod"), ("/prod", True)),
    "function URL": (function_url(("GET", "/v1/items", {}, None)), ("", False)),
    "REST API, its own address": (rest("/v1/items/i%2F1", "/prod/v1/items/i%2F1", **REST_PROXY), ("/prod", False)),
    "REST API, custom domain": (rest("/v1/items/i%2F1", "/v1/items/i%2F1", **REST_PROXY), ("", True)),
    "REST API, custom domain with a base path": (
        rest("/shop/v1/items/i%2F1", "/shop/v1/items/i%2F1", **REST_PROXY),
        ("/shop", True),
    ),
    "REST API, imported document, base path": (
        rest("/shop/v1/items/i1", "/shop/v1/items/i1", "/v1/items/{item_id}", item_id="i1"),
        ("/shop", True),
    ),
    "REST API, the root of a base path": (rest("/shop", "/shop", "/"), ("/shop", True)),
}


class TestBasePath:
    @pytest.mark.parametrize("place", PLACES)
    def test_it_is_what_the_gateway_put_in_front(self, place: str) -> None:
        event, expected = PLACES[place]

        assert base_path(event) == expected

    @pytest.mark.parametrize(
        ("setting", "path", "expected"),
        [
            ("/shop", "/shop/v1/items", ("/shop", True)),
            ("/shop/", "/shop/v1/items", ("/shop", True)),
            ("/shop", "/shopping/v1/items", ("", False)),
            ("/v1", "/v1x/items", ("", False)),
            ("/shop", "/v1/items", ("", False)),
            ("/", "/prod/v1/items", ("", True)),
        ],
    )
    def test_a_setting_decides(self, setting: str, path: str, expected: tuple[str, bool]) -> None:
        assert base_path(http(path, "prod"), setting) == expected

    def test_a_setting_is_what_cloudfront_leaves_in_front_of_a_function_url(self) -> None:
        assert base_path(function_url(("GET", "/shop/v1/items", {}, None)), "/shop") == ("/shop", True)

    @pytest.mark.parametrize("setting", ["shop", "/sh op", "//"])
    def test_a_setting_is_a_path(self, setting: str) -> None:
        with pytest.raises(ValidationError):
            Settings(secret="x" * 32, base_path=setting)


class TestRequests:
    @pytest.mark.parametrize(
        "event",
        [
            http("/prod/v1/items", "prod"),
            http("/v1/v1/items", "v1"),
            rest("/shop/v1/items", "/shop/v1/items", proxy="v1/items"),
            rest("/v1/items", "/prod/v1/items", proxy="v1/items"),
        ],
        ids=["named stage", "stage v1", "base path", "stage left out"],
    )
    def test_credentials_are_still_required(self, wired: Wired, event: dict[str, Any]) -> None:
        response = dispatched(wired, event)

        assert response["statusCode"] == 401
        assert orjson.loads(response["body"])["type"].endswith("not-authenticated")

    def test_links_of_pages_include_it(self, wired: Wired) -> None:
        response = dispatched(wired, http("/prod/console", "prod"))

        assert response["statusCode"] == 200
        assert '<base href="/prod/console/">' in response["body"]

    def test_the_setting_of_a_function_is_used(self, wired: Wired) -> None:
        response = dispatched(wired, http("/shop/health/live"), base_path="/shop")

        assert orjson.loads(response["body"]) == {"status": "ok"}


def dispatched(wired: Wired, event: dict[str, Any], **changes: object) -> dict[str, Any]:
    services = replace(wired.services, settings=wired.services.settings.model_copy(update=changes))
    with Runner() as runner:
        set_event_loop(runner.get_loop())  # otherwise Mangum makes one that stays open
        response: dict[str, Any] = Dispatcher(services, WorkerLauncher(services.settings), None).dispatch(event, None)
    return response

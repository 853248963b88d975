"""Unknown parameters and fields are refused with the nearest valid name, so that a typing error is never ignored."""

import json
import re
import time
from typing import Any

import httpx2
import pytest

from app.api.sockets import frames
from app.domain.fields import RepeatedName, json_object
from app.errors import InvalidInput
from tests import openapi

OPERATIONS = {
    operation["operationId"]: (method.upper(), re.sub(r"\{[a-z_]+\}", "a", path))
    for path, operations in openapi.published()["paths"].items()
    for method, operation in operations.items()
}
MANY_NAMES = json.dumps({f"name-{number}": 1 for number in range(2_001)})


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

        assert response.json()["errors"][0]["detail"].endswith("there are no parameters here")


class TestImports:
    @pytest.mark.parametrize(
        ("option", "value", "says"),
        [
            ("encoding", "klingon", "'klingon' is not an encoding of text"),
            ("encoding", "base64", "'base64' is not an encoding of text"),
            ("encoding", "a\0", "is not an encoding of text"),
            ("columns", {"itm_id": "sku"}, "'itm_id' is not one of our fields .did you mean 'item_id'"),
            ("columns", {"price": "title"}, "our field stands first: title=price"),
            ("columns", {"properties.": "sku"}, "properties.NAME"),
            ("decimal", ";", "Input should be '.' or ','"),
            ("date_format", "%m/%Y", "lacks a day"),
        ],
    )
    def test_an_option_that_cannot_be_right_is_refused_before_the_file_is_sent(
        self, client: httpx2.Client, option: str, value: object, says: str
    ) -> None:
        response = client.post("/v1/jobs", json={"kind": "import", option: value})

        assert response.status_code == 422
        (error,) = response.json()["errors"]
        assert error["pointer"] == f"/{option}"
        assert re.search(says, error["detail"])


class TestUnknownFields:
    @pytest.mark.parametrize(
        ("method", "url", "body", "pointer", "nearest"),
        [
            ("PUT", "/v1/items/tea", {"titel": "Tea"}, "/titel", "title"),
            ("POST", "/v1/events", {"event": []}, "/event", "events"),
            ("POST", "/v1/events", {"events": [{"user_id": "a", "itemId": "t"}]}, "/events/0/itemId", "item_id"),
            ("POST", "/v1/jobs", {"kind": "import", "record": "items"}, "/record", "records"),
            (
                "POST",
                "/v1/keys",
                {"limits": {"requests_per_sec": 1}},
                "/limits/requests_per_sec",
                "requests_per_second",
            ),
            ("PUT", "/v1/scenarios/home", {"diversity": {"max_per": 2}}, "/diversity/max_per", "max_per_value"),
            ("PUT", "/v1/scenarios/home", {"rows": [{"titles": "New"}]}, "/rows/0/titles", "title"),
        ],
    )
    def test_the_problem_names_the_nearest_field(
        self, client: httpx2.Client, method: str, url: str, body: Any, pointer: str, nearest: str
    ) -> None:
        response = client.request(method, url, json=body)

        details = {error["pointer"]: error["detail"] for error in response.json()["errors"]}
        assert response.status_code == 422
        assert details[pointer] == f"is not a known field; did you mean {nearest}?"

    def test_a_field_like_no_other_gets_all_valid_names(self, client: httpx2.Client) -> None:
        response = client.put("/v1/users/ann", json={"zzz": 1})

        (error,) = response.json()["errors"]
        assert error == {"pointer": "/zzz", "detail": "is not a known field; valid fields are properties"}

    def test_an_unknown_frame_gets_the_valid_actions(self) -> None:
        with pytest.raises(InvalidInput) as refusal:
            frames.parsed('{"action": "subscribed"}')

        (error,) = refusal.value.errors
        assert error.detail == "action: must be event or ping or recommend or resume or subscribe or unsubscribe"

    def test_a_frame_gets_the_nearest_field(self) -> None:
        with pytest.raises(InvalidInput) as refusal:
            frames.parsed('{"action": "subscribe", "user_id": "ann", "limits": 3}')

        (error,) = refusal.value.errors
        assert (error.pointer, error.detail) == ("/limits", "is not a known field; did you mean limit?")

    def test_a_field_called_like_a_kind_of_job_keeps_its_place(self, client: httpx2.Client) -> None:
        response = client.post("/v1/jobs", json={"kind": "export", "export": True})

        (error,) = response.json()["errors"]
        assert error["pointer"] == "/export"

    def test_secrets_in_names_are_not_repeated(self, client: httpx2.Client) -> None:
        response = client.put("/v1/users/ann", json={"sk_0123456789": 1})

        assert "sk_0123456789" not in response.text
        assert response.json()["errors"][0]["pointer"] == "/(a name that was sent)"


class TestPlaces:
    @pytest.mark.parametrize(
        ("method", "url", "content", "pointer", "detail"),
        [
            ("GET", "/v1/users/ann/recommendations?exclude=a,b", None, "exclude", "must be 1 to 128 ASCII letters"),
            (
                "PUT",
                "/v1/items/a",
                '{"properties": {"n": {"int": [NaN]}}}',
                "/properties",
                "number at n/int/0 that cannot",
            ),
            ("PUT", "/v1/items/a", '{"properties": [1]}', "/properties", "must be an object"),
            ("PUT", "/v1/items/a", '{"categories": "mugs"}', "/categories", "must be a list"),
            ("PUT", "/v1/items/a", "[1]", "", "must be an object"),
            ("PUT", "/v1/items/%2e%2E", "{}", "item_id", "but not . or .. alone"),
            ("GET", "/v1/users/%2e/recommendations", None, "user_id", "but not . or .. alone"),
            ("POST", "/v1/items:batch", '{"items": [{"item_id": ".."}]}', "/items/0/item_id", "but not . or .. alone"),
            (
                "POST",
                "/v1/events",
                '{"events": [{"user_id": ".", "item_id": "a"}]}',
                "/events/0/user_id",
                "not . or ..",
            ),
            (
                "PUT",
                "/v1/items/a",
                f'{{"properties": {{"n": 1{"0" * 400}}}}}',
                "/properties",
                "at n that cannot be compared",
            ),
            (
                "PUT",
                "/v1/users/a",
                f'{{"properties": {{"m": {{"n": [-1{"0" * 400}]}}}}}}',
                "/properties",
                "at m/n/0 that cannot be compared",
            ),
            (
                "PUT",
                "/v1/users/a",
                f'{{"properties": {{"m": {"[" * 33}{"]" * 33}}}}}',
                "/properties",
                "more than 32 levels deep at m/0/0",
            ),
            ("PUT", "/v1/users/a", MANY_NAMES, "", "in more than 2,000 places; send less to see which"),
            ("POST", "/v1/events", f'{{"events": [{MANY_NAMES}]}}', "/events/0", "in more than 2,000 places"),
            ("PUT", "/v1/items/a", '{"properties": {"n": [1, -1e999]}}', "/properties", "number at n/1 that cannot"),
        ],
    )
    def test_the_problem_names_the_place_in_plain_words(
        self, client: httpx2.Client, method: str, url: str, content: str | None, pointer: str, detail: str
    ) -> None:
        response = client.request(method, url, content=content, headers={"content-type": "application/json"})

        (error,) = response.json()["errors"]
        assert (response.status_code, error["pointer"]) == (422, pointer)
        assert detail in error["detail"]


class TestRepeatedNames:
    def test_eight_times_as_many_names_do_not_take_sixty_four_times_as_long(self) -> None:
        few, many = _seconds_to_refuse(2_500), _seconds_to_refuse(20_000)

        assert many < 30 * few


def _seconds_to_refuse(names: int) -> float:
    pairs = [(f"name-{number}", 1) for number in range(names)]
    pairs.append(pairs[-1])
    seconds = []
    for _ in range(3):
        start = time.thread_time()
        with pytest.raises(RepeatedName, match=f"name-{names - 1}"):
            json_object(pairs)
        seconds.append(time.thread_time() - start)
    return min(seconds)

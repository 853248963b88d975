import gzip
from typing import Any

import httpx2
import pytest

from app import errors
from app.api.http import problems

JSON = {"content-type": "application/json"}


def error_classes(root: type[errors.SerendipError]) -> list[type[errors.SerendipError]]:
    return [root] + [below for child in root.__subclasses__() for below in error_classes(child)]


class TestTable:
    @pytest.mark.parametrize("kind", error_classes(errors.SerendipError)[1:])
    def test_every_error_has_a_row(self, kind: type[errors.SerendipError]) -> None:
        assert kind in problems.ROWS

    def test_every_error_is_in_the_docstrings_tree(self) -> None:
        tree = errors.__doc__ or ""

        assert [kind.__name__ for kind in error_classes(errors.SerendipError) if kind.__name__ not in tree] == []


PACKED = {"content-encoding": "gzip"}
MANY_VALUES = b'{"properties": {"x": [' + b"1," * 50_001 + b"1]}}"


class TestProblem:
    @pytest.mark.parametrize(
        ("method", "url", "content", "headers", "status", "says"),
        [
            ("GET", "/nowhere", None, {}, 404, "nothing at this path"),
            ("PATCH", "/v1/events", None, {}, 405, "does not take this method"),
            ("POST", "/v1/events", b'{"user_id": ', JSON, 422, "not valid JSON"),
            ("POST", "/v1/events", b'{"events": [{"item_id": "b", "value": NaN}]}', JSON, 422, "not as expected"),
            ("POST", "/v1/events", b'{"events": [{"item_id": "b", "value": 1e999}]}', JSON, 422, "not as expected"),
            ("PUT", "/v1/items/a", b'{"properties": {"x": [Infinity]}}', JSON, 422, "not as expected"),
            ("PUT", "/v1/items/a", b'{"title": "\\ud800"}', JSON, 422, "not as expected"),
            (
                "PUT",
                "/v1/items/a",
                b'{"properties": ' + b'{"x":' * 5_000 + b"1" + b"}" * 5_001,
                JSON,
                400,
                "nested too deeply",
            ),
            ("PUT", "/v1/items/a", b'{"title": "A", "title": "B"}', JSON, 422, "name 'title' twice"),
            (
                "POST",
                "/v1/items:batch",
                b'{"items": [{"item_id": "a", "properties": {"price": 1, "price": 2}}]}',
                JSON,
                422,
                "name 'price' twice",
            ),
            ("PUT", "/v1/items/a", b"[]", JSON, 422, "not as expected"),
            ("POST", "/v1/events", b'{"events": [{"timestamp": 1%s}]}' % (b"0" * 400), JSON, 422, "not as expected"),
            ("PUT", "/v1/items/a", b'{"properties": {"n": 1%s}}' % (b"0" * 5_000), JSON, 400, "thousands of digits"),
            ("PUT", "/v1/items/a", MANY_VALUES, JSON, 413, "more than 50,000 values"),
            ("PUT", "/v1/items/a", b'{"properties": {"x": [' + b"[]," * 25_001 + b"1]}}", JSON, 413, "50,000 values"),
            ("PUT", "/v1/items/a", gzip.compress(MANY_VALUES), JSON | PACKED, 413, "more than 50,000 values"),
            ("PUT", "/v1/items/a", b"\xff\xfe", JSON, 422, "not encoded in UTF-8"),
            ("PUT", "/v1/items/a", '{"title": "Caf\u00e9"}'.encode("latin-1"), JSON, 422, "not encoded in UTF-8"),
            ("PUT", "/v1/items/a", b"{}", JSON | {"content-encoding": "gzip"}, 400, "not one gzip stream"),
            (
                "PUT",
                "/v1/items/a",
                gzip.compress(b"{}", mtime=0)[:-4],
                JSON | {"content-encoding": "gzip"},
                400,
                "not one gzip",
            ),
            ("PUT", "/v1/items/a", b"{}", JSON | {"content-encoding": "br"}, 415, "compressed with gzip"),
            (
                "PUT",
                "/v1/items/a",
                gzip.compress(b" " * 6_000_000, mtime=0),
                JSON | {"content-encoding": "gzip"},
                413,
                "larger",
            ),
            ("PUT", "/v1/items/a", b"title=x", {"content-type": "text/plain"}, 415, "Content-Type"),
            ("PUT", "/v1/items/a", b"{}", {}, 415, "Content-Type"),
            ("PUT", "/v1/items/a", b"", JSON, 422, "not as expected"),
            ("PUT", "/v1/items/a%0Ab", b"{}", JSON, 422, "not as expected"),
            ("PUT", "/v1/items/" + "x" * 129, b"{}", JSON, 422, "not as expected"),
            ("POST", "/v1/events", b" " * (5 * 1024 * 1024 + 1), JSON, 413, "larger"),
            ("PUT", "/v1/items/a", b'{"properties": {"x": "' + b"x" * 391_000 + b'"}}', JSON, 422, "not as expected"),
            ("GET", "/v1/models/v1", None, {}, 404, "no such model version"),
            ("POST", "/v1/models/v1:activate", None, {}, 404, "no such model version"),
            ("POST", "/v1/models/v1:cancel", None, {}, 404, "no such model version"),
            ("GET", "/v1/users/ann/recommendations?limit=0", None, {}, 422, "not as expected"),
            ("GET", "/v1/users/ann/recommendations?limit=101", None, {}, 422, "not as expected"),
            ("GET", "/v1/users/ann/recommendations?fresh_after=x", None, {}, 400, "freshness token"),
            ("GET", "/v1/items?cursor=x", None, {}, 400, "cursor"),
            ("GET", "/v1/items/unknown/similar", None, {}, 404, "no such item"),
            ("GET", "/v1/lists/funny", None, {}, 422, "not as expected"),
            ("POST", "/v1/jobs", b'{"kind": "dance"}', JSON, 422, "not as expected"),
            ("POST", "/v1/jobs", b'{"kind": "import", "records": "plans"}', JSON, 422, "not as expected"),
            ("POST", "/v1/jobs", b'{"kind": "erasure"}', JSON, 422, "not as expected"),
            ("GET", "/v1/jobs/j1", None, {}, 404, "no such job"),
            ("GET", "/v1/jobs/j1/files", None, {}, 404, "no such job"),
            ("POST", "/v1/jobs/j1:start", None, {}, 404, "no such job"),
            ("POST", "/v1/jobs/j1:cancel", None, {}, 404, "no such job"),
        ],
    )
    def test_invalid_input_gets_a_problem_document(
        self,
        client: httpx2.Client,
        method: str,
        url: str,
        content: bytes | None,
        headers: dict[str, str],
        status: int,
        says: str,
    ) -> None:
        response = client.request(method, url, content=content, headers={**headers, "x-request-id": "req-1"})

        problem: dict[str, Any] = response.json()
        assert (response.status_code, problem["status"]) == (status, status), problem
        assert response.headers["content-type"] == "application/problem+json"
        assert problem["instance"] == response.headers["x-request-id"] == "req-1"
        assert problem["type"].startswith("urn:serendip:problem:")
        assert says in problem["detail"]
        assert client.get("/v1/items/a").status_code == 404

    def test_an_invalid_request_id_is_replaced(self, client: httpx2.Client) -> None:
        response = client.get("/health/live", headers={"x-request-id": "a b\x7f"})

        assert len(response.headers["x-request-id"]) == 32

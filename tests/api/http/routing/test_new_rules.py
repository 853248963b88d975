"""Where the rules of requests are compiled."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from app.api.http.routing.alone import alone
from app.recommender import rules
from app.recommender.rules import Kind


@pytest.fixture
def by_event_loop(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each rule that was compiled, whether the thread of the event loop did it."""
    noted: list[bool] = []
    compile_rule = rules._rule  # noqa: SLF001

    def note(kind: Kind, source: str) -> Any:
        try:
            asyncio.get_running_loop()
            noted.append(True)
        except RuntimeError:
            noted.append(False)
        return compile_rule(kind, source)

    monkeypatch.setattr(rules, "_rule", note)
    return noted


def new_filter(end: str = "") -> str:
    return f'item.maker == "{uuid4()}"{end}'


def ask(client: httpx2.Client, source: str, place: str, key: str | None = None) -> int:
    """Asks for a list with a filter in a place of the request; returns the status."""
    headers = {} if key is None else {"X-API-Key": key}
    if place == "body":
        content = {"events": [{"item_id": "mug"}], "filter": source}
        return client.post("/v1/recommendations", json=content, headers=headers).status_code
    return client.get("/v1/users/ann/recommendations", params={"filter": source}, headers=headers).status_code


@pytest.mark.parametrize("place", ["query", "body"])
class TestNewRules:
    @pytest.mark.parametrize(("end", "status"), [("", 200), (" &&", 422)])
    def test_a_thread_compiles_them_once(
        self, client: httpx2.Client, by_event_loop: list[bool], place: str, end: str, status: int
    ) -> None:
        source = new_filter(end)

        assert [ask(client, source, place) for _ in range(2)] == [status] * 2
        assert by_event_loop == [False]

    def test_a_process_that_works_on_one_request_at_a_time_needs_no_thread(
        self, client: httpx2.Client, by_event_loop: list[bool], place: str
    ) -> None:
        with alone():
            assert ask(client, new_filter(), place) == 200

        assert by_event_loop == [True]

    def test_those_of_strangers_are_not_compiled(
        self, client: httpx2.Client, by_event_loop: list[bool], place: str
    ) -> None:
        assert ask(client, new_filter(), place, key="sk_made_up") == 401
        assert by_event_loop == []

from typing import Any

import httpx2
import pytest


def stored(client: httpx2.Client, user: str = "ann") -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = client.get(f"/v1/users/{user}/events?limit=100").json()["events"]
    return events


class TestSend:
    def test_one_event_is_accepted(self, client: httpx2.Client) -> None:
        answer = client.post(
            "/v1/events", json={"events": [{"user_id": "ann", "item_id": "tea", "event_type": "view"}]}
        )

        assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
        assert [event["item_id"] for event in stored(client)] == ["tea"]

    def test_an_event_sent_again_is_stored_once(self, client: httpx2.Client) -> None:
        event = {"user_id": "ann", "item_id": "tea", "value": 4.5, "timestamp": "2026-01-31T12:00:00+02:00"}

        for _ in range(3):
            client.post("/v1/events", json={"events": [event, event]})

        [event] = stored(client)
        assert (event["timestamp"], event["value"]) == ("2026-01-31T10:00:00Z", 4.5)

    def test_different_events_with_the_same_timestamp_are_all_stored(self, client: httpx2.Client) -> None:
        event = {"user_id": "ann", "item_id": "tea", "timestamp": 1769860800}
        other = [{**event, "item_id": "mug"}, {**event, "event_type": "cart"}, {**event, "event_id": "order-7"}]

        client.post("/v1/events", json={"events": [event, *other]})

        assert len(stored(client)) == 4

    def test_a_request_may_have_five_hundred_events(self, client: httpx2.Client) -> None:
        events = [{"user_id": "ann", "item_id": f"i{n}", "timestamp": 1769860800 + n} for n in range(501)]

        refused = client.post("/v1/events", json={"events": events})
        assert (refused.status_code, stored(client)) == (422, [])
        assert client.post("/v1/events", json={"events": events[1:]}).json()["accepted"] == 500

    def test_a_batch_is_refused_whole_and_names_every_bad_event(self, client: httpx2.Client) -> None:
        good = {"user_id": "ann", "item_id": "tea"}
        bad = [{**good, "item_id": ""}, {**good, "valeu": 1}, {"item_id": "tea"}, {**good, "value": "5"}]

        answer = client.post("/v1/events", json={"events": [good, *bad]})

        pointers = [error["pointer"] for error in answer.json()["errors"]]
        assert pointers == ["/events/1/item_id", "/events/2/valeu", "/events/3", "/events/4/value"]
        assert stored(client) == []

    @pytest.mark.parametrize(
        ("field", "value", "says"),
        [
            ("user_id", "a/b", "1 to 128"),
            ("user_id", "a\u0000b", "1 to 128"),
            ("user_id", "x" * 129, "1 to 128"),
            ("user_id", 7, "string"),
            ("item_id", "tea\n", "1 to 128"),
            ("event_type", None, "string"),
            ("value", True, "number"),
            ("value", 1e300, "between"),
            ("value", 1e-200, "between"),
            ("timestamp", "2200-01-01T00:00:00Z", "future"),
            ("timestamp", "1969-12-31T23:59:59Z", "1970"),
            ("timestamp", -1, "1970"),
            ("timestamp", "2026-01-31T12:00:00", "timezone"),
            ("timestamp", "yesterday", "ISO 8601"),
            ("timestamp", 1_769_860_800_000, "milliseconds"),
            ("timestamp", [1], "ISO 8601"),
            ("colour", "red", "not a known field"),
        ],
    )
    def test_a_bad_field_is_named(self, client: httpx2.Client, field: str, value: object, says: str) -> None:
        answer = client.post("/v1/events", json={"events": [{"user_id": "ann", "item_id": "tea", field: value}]})

        problem = answer.json()
        assert answer.status_code == 422, problem
        assert problem["errors"][0]["pointer"] == f"/events/0/{field}"
        assert says in problem["errors"][0]["detail"]
        assert stored(client) == []

    def test_an_event_id_needs_its_timestamp(self, client: httpx2.Client) -> None:
        answer = client.post(
            "/v1/events", json={"events": [{"user_id": "ann", "item_id": "tea", "event_id": "order-7"}]}
        )

        assert "timestamp" in answer.json()["errors"][0]["detail"]

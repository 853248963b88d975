"""Undo takes back what an import added, and nothing else."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.config import Settings
from app.domain.fields import ImportMark
from app.domain.items import Item
from app.domain.jobs import Job, JobState, UndoRequest
from app.domain.users import User
from app.entry.files import contents
from app.entry.files.reader import Options, Reader
from app.entry.jobs import imports, undo
from app.wiring import Wired
from tests.support.builders import an_event, an_item, client_of

EVENTS = [{"user_id": f"u{n % 3}", "item_id": f"i{n}", "timestamp": f"2026-01-{n + 1:02d}T00:00:00Z"} for n in range(9)]


class Shop:
    def __init__(self, wired: Wired, settings: Settings, folder: Path) -> None:
        self.services, self.project, self._folder = wired.services, settings.project, folder

    def imported(self, rows: Iterable[dict[str, Any]], name: str = "rows.jsonl", **options: Any) -> str:
        """Imports a file as the command line does; returns the id of the import."""
        path = self._folder / name
        path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        reader = Reader(contents.of_path(path), Options(**options))
        import_id = imports.run(self.services, self.project, path, reader, reader.types(), lambda *_: None).import_id
        assert import_id is not None
        return import_id

    def undone(self, import_id: str) -> Job:
        job = self.services.jobs.create(self.project, UndoRequest(import_id))
        return self.services.jobs.get(self.project, job.job_id)

    def events(self) -> set[tuple[str, str]]:
        return {(event.user_id, event.item_id) for event in self.services.events.all(self.project)}


@pytest.fixture
def shop(wired: Wired, settings: Settings, tmp_path: Path) -> Shop:
    return Shop(wired, settings, tmp_path)


class TestEvents:
    def test_the_events_of_an_import_are_taken_back_and_others_stay(self, shop: Shop) -> None:
        shop.services.events.accept(shop.project, [an_event("ann")])
        import_id = shop.imported(EVENTS)

        job = shop.undone(import_id)

        assert (job.state, job.counts["events"]) == (JobState.SUCCEEDED, 9)
        assert shop.events() == {("ann", "tea")}

    def test_an_event_belongs_to_what_wrote_it_last(self, shop: Shop) -> None:
        first = shop.imported(EVENTS[:6])
        later = shop.imported(EVENTS[3:], "more.jsonl")
        sent = [event for event in shop.services.events.all(shop.project) if event.item_id == "i0"]
        shop.services.events.accept(shop.project, sent)

        job = shop.undone(first)

        assert job.counts["events"] == 2
        assert {item_id for _, item_id in shop.events()} == {"i0", *(f"i{n}" for n in range(3, 9))}
        assert shop.undone(later).counts["events"] == 6

    def test_an_import_that_ran_twice_is_taken_back_at_once(self, shop: Shop) -> None:
        import_id = shop.imported(EVENTS)

        assert shop.imported(EVENTS, "renamed.jsonl") == import_id
        assert shop.imported(EVENTS, event_type="click") != import_id
        assert shop.undone(import_id).counts["events"] == 9

    def test_pages_of_all_sizes_are_taken_back_whole(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(undo, "PAGE", 7)
        monkeypatch.setattr(undo, "PAGES_AT_ONCE", 2)
        monkeypatch.setattr(undo, "RECORDS", 3)
        events = [an_event(f"u{n}", f"i{n}", minutes=n) for n in range(60)]
        shop.services.events.accept(shop.project, events[::2], "i1")
        shop.services.events.accept(shop.project, events[1::2], "i2")
        marked = [Item(f"i{n}", import_mark=ImportMark(f"i{n % 2}")) for n in range(30)]
        shop.services.items.put_many(shop.project, marked)

        job = shop.undone("i1")

        assert (job.counts["events"], job.counts["items"]) == (30, 15)
        assert len(shop.events()) == 30


class TestItemsAndUsers:
    def test_items_and_users_that_an_import_added_are_taken_back(self, shop: Shop) -> None:
        items = shop.imported([{"item_id": "tea", "title": "Tea"}, {"item_id": "milk"}])
        users = shop.imported([{"user_id": "ann", "plan": "paid"}], "users.jsonl", kind="users")

        counts = [shop.undone(import_id).counts for import_id in (items, users)]

        assert (counts[0]["items"], counts[1]["users"]) == (2, 1)
        assert not shop.services.items.list_page(shop.project, None, None, 10).records
        assert not shop.services.users.list_page(shop.project, None, 10).records

    def test_what_existed_before_or_was_changed_since_stays(self, shop: Shop, wired: Wired, key: str) -> None:
        services, project = shop.services, shop.project
        services.items.put_many(project, [an_item("old")])
        services.users.put_many(project, [User("eve")])
        facts = [{"item_id": name, "title": "New"} for name in ("old", "put", "patched", "imported", "kept", "again")]
        import_id = shop.imported(facts)
        shop.imported([{"user_id": "eve", "plan": "paid"}], "users.jsonl", kind="users")
        client = client_of(wired, key)
        client.put("/v1/items/put", json={"title": "Put"}).raise_for_status()
        client.patch("/v1/items/patched", json={"title": "Patched"}).raise_for_status()
        client.put("/v1/items/kept", json={"title": "New"}).raise_for_status()  # changes nothing
        shop.imported([{"item_id": "imported", "title": "Newer"}, {"item_id": "again", "title": "New"}], "later.jsonl")

        job = shop.undone(import_id)

        assert (job.state, job.counts["items"], job.counts["changed"]) == (JobState.SUCCEEDED, 2, 3)
        assert "existed before the import keep what it gave them" in str(job.detail)
        left = {item.item_id: item.title for item in services.items.list_page(project, None, None, 10).records}
        assert left == {"old": "New", "put": "Put", "patched": "Patched", "imported": "Newer"}
        assert services.users.get(project, "eve").properties == {"plan": "paid"}

    def test_one_file_with_events_and_items_is_taken_back_whole(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.entry.jobs.slices.SLICE_ROWS", 4)
        rows = [{**event, "item_id": f"i{n % 2}", "title": f"Title {n}"} for n, event in enumerate(EVENTS)]
        import_id = shop.imported(rows, kind="events,items")

        job = shop.undone(import_id)

        assert {name: job.counts[name] for name in ("events", "items", "changed")} == {
            "events": 9,
            "items": 2,
            "changed": 0,
        }

    def test_a_file_can_be_imported_again_after_it_was_taken_back(self, shop: Shop) -> None:
        import_id = shop.imported([{"item_id": "tea", "title": "Tea"}])
        shop.undone(import_id)

        assert shop.imported([{"item_id": "tea", "title": "Tea"}]) == import_id
        assert shop.services.items.get(shop.project, "tea").title == "Tea"
        assert shop.undone(import_id).counts["items"] == 1


class TestThroughTheApi:
    def test_an_unknown_import_fails_the_job_with_the_reason(self, wired: Wired, key: str) -> None:
        client = client_of(wired, key)

        response = client.delete("/v1/imports/i404")

        job = client.get(response.headers["location"]).json()
        assert (response.status_code, job["kind"], job["state"]) == (202, "undo", "failed")
        assert "carries the import id i404" in job["detail"]

    def test_an_import_that_has_not_ended_is_refused(self, wired: Wired, key: str) -> None:
        client = client_of(wired, key)
        job_id = client.post("/v1/jobs", json={"kind": "import"}).json()["job_id"]

        assert client.delete(f"/v1/imports/{job_id}").status_code == 409

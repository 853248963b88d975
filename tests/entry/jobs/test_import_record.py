"""Imports by the command line are listed among the jobs, with the ids to take them back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from app.entry.jobs import slices
from app.wiring import Wired
from tests.support.builders import an_event
from tests.support.command_line import command, environment
from tests.support.files import written

Run = Callable[..., str]


@pytest.fixture
def run(wired: Wired, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    settings = wired.services.settings
    return lambda *arguments: command(capsys, tmp_path, environment(settings, settings.project), *arguments).out


class TestRecord:
    def test_an_import_by_the_command_line_is_listed_until_it_is_taken_back(
        self, run: Run, client: httpx2.Client, tmp_path: Path
    ) -> None:
        run("import", written(tmp_path, "orders.csv", "user_id,item_id,note\nann,tea,x\nbob,tea,x\n"))
        client.post("/v1/jobs", json={"kind": "export"}).raise_for_status()

        (job,) = client.get("/v1/jobs?kind=import").raise_for_status().json()["jobs"]
        (row,) = orjson.loads(run("imports", "--json"))

        assert (job["state"], job["kind"], job["request"]["file_name"]) == ("succeeded", "import", "orders.csv")
        assert (job["summary"]["loaded"], job["summary"]["ignored_columns"]) == (2, {"note": ""})
        assert (row["import_id"], row["file_name"], row["state"]) == (job["import_id"], "orders.csv", "succeeded")
        client.delete(f"/v1/imports/{job['import_id']}").raise_for_status()
        assert client.get("/v1/users/ann/events").json()["events"] == []
        (row,) = orjson.loads(run("imports", "--json"))
        assert row["state"] == "taken back"

    def test_an_import_that_was_stopped_is_listed_as_failed_and_can_be_taken_back(
        self, run: Run, wired: Wired, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class KilledError(Exception):
            """Ends the import after it has stored something."""

        def storing(*arguments: Any) -> None:
            store(*arguments)
            raise KilledError

        store = slices.store
        with monkeypatch.context() as patch:
            patch.setattr(slices, "store", storing)
            with pytest.raises(KilledError):
                run("import", written(tmp_path, "orders.csv", "user_id,item_id\nann,tea\n"))

        (row,) = orjson.loads(run("imports", "--json"))

        assert row["state"] == "failed"
        assert "stopped before the end" in row["detail"]
        assert "1 events" in run("import", "--undo", row["import_id"])
        assert not list(wired.services.events.all(wired.services.settings.project))

    def test_a_dry_run_is_not_listed(self, run: Run, tmp_path: Path) -> None:
        run("import", written(tmp_path, "orders.csv", "user_id,item_id\nann,tea\n"), "--dry-run")

        assert run("imports") == "There are no imports.\n"


class TestList:
    def test_pages_of_one_kind_list_each_of_its_jobs_once(self, client: httpx2.Client) -> None:
        made = [client.post("/v1/jobs", json={"kind": kind}).json()["job_id"] for kind in ("import", "export") * 3]
        listed, cursor = [], ""
        while True:
            page = client.get(f"/v1/jobs?kind=import&limit=2{cursor}").raise_for_status().json()
            listed += [(job["job_id"], job["import_id"]) for job in page["jobs"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"

        assert listed == [(job_id, job_id) for job_id in reversed(made[::2])]
        assert client.get("/v1/jobs?kind=imports").status_code == 422


class TestUndo:
    def test_an_import_that_only_changed_items_says_that_they_keep_its_facts(
        self, run: Run, client: httpx2.Client, wired: Wired, tmp_path: Path
    ) -> None:
        wired.services.events.accept(wired.services.settings.project, [an_event()])
        client.put("/v1/items/tea", json={"title": "Tea"}).raise_for_status()
        run("import", written(tmp_path, "prices.csv", "item_id,price\ntea,4\n"))
        (row,) = orjson.loads(run("imports", "--json"))

        said = run("import", "--undo", row["import_id"])

        assert "only changed items and users that existed before, which keep what it gave them" in said
        assert client.get("/v1/items/tea").json()["properties"] == {"price": 4}

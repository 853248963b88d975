"""Jobs as their users see them: a real server, files over its URLs, and a worker beside it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx2
import orjson
import pytest

from app.config import Settings
from app.domain.jobs import Job
from app.entry import oidc_client
from app.entry.jobs import exports, worker
from app.entry.local.dynamodb import Emulator
from app.errors import WorkerUnavailable
from app.services.jobs import UPLOAD, file_name
from app.storage.jobs import JobStore as Store
from app.wiring import Wired, wire
from tests.support import tables
from tests.support.builders import SECRET, IdleLauncher, a_project, an_event, an_item, client_of, two_tastes
from tests.support.personal_data import ANN, connected, fill
from tests.support.server_process import LIVE, Server, running

ITEMS = [{"item_id": f"i{n}", "title": f"Item {n}", "categories": ["tea"], "hidden": n == 3} for n in range(30)]


@dataclass
class Shop:
    """A server that leaves jobs to the test."""

    wired: Wired
    project: str
    client: httpx2.Client

    def create(self, **body: Any) -> dict[str, Any]:
        answer = self.client.post("/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        made: dict[str, Any] = answer.json()
        assert answer.headers["location"] == f"/v1/jobs/{made['job_id']}"
        return made

    def work(self, job: dict[str, Any]) -> dict[str, Any]:
        worker.work(self.wired.services, self.project, job["job_id"])
        return self.get(job)

    def get(self, job: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/v1/jobs/{job['job_id']}").raise_for_status().json()
        return found

    def loaded(self, content: bytes, **body: Any) -> dict[str, Any]:
        job = self.create(kind="import", **body)
        assert (job["state"], job["progress"]) == ("waiting", 0)
        httpx2.put(job["upload_url"], content=content).raise_for_status()
        begun = self.client.post(f"/v1/jobs/{job['job_id']}:start")
        assert (begun.status_code, begun.json()["state"], begun.json()["upload_url"]) == (202, "running", None)
        return self.work(job)

    def files(self, job: dict[str, Any]) -> dict[str, bytes]:
        found, params = {}, {"limit": "2"}
        while True:
            page = self.client.get(f"/v1/jobs/{job['job_id']}/files", params=params).raise_for_status().json()
            for one in page["files"]:
                found[one["name"]] = httpx2.get(one["url"]).raise_for_status().content
                assert len(found[one["name"]]) == one["bytes"]
            if page["next_cursor"] is None:
                return found
            params["cursor"] = page["next_cursor"]


@pytest.fixture(scope="module")
def server(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """One for all tests, and the folder of its files."""
    files = str(tmp_path_factory.mktemp("files"))
    with running(Settings(secret=SECRET, endpoint=emulator.endpoint, files=files), "none", mode=LIVE) as server:
        yield server, files


@pytest.fixture
def settings(settings: Settings, server: tuple[Server, str]) -> Settings:
    return settings.model_copy(update={"files": server[1]})


@pytest.fixture
def shop(wired: Wired, key: str, server: tuple[Server, str]) -> Iterator[Shop]:
    with httpx2.Client(base_url=server[0].base, headers={"X-API-Key": key}) as client:
        yield Shop(wired, wired.services.settings.project, client)


def lines(records: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(one) + b"\n" for one in records)


class TestRoundTrip:
    def test_what_one_project_exports_another_one_imports(
        self, shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exports, "PART_BYTES", 5_000)
        earlier = [{**one, "title": "", "categories": ["milk"]} for one in ITEMS]
        for records in (earlier, ITEMS, ITEMS):
            assert shop.loaded(lines(records), records="items")["counts"] == {"loaded": 30, "rejected": 0}
        shop.wired.services.items.put_many(shop.project, [replace(an_item("x"), properties={"hidden": "no"})])
        shop.client.put("/v1/users/ann", json={"properties": {"plan": None, "age": 30}}).raise_for_status()
        shop.wired.services.events.accept(shop.project, [*two_tastes(), an_event(value=2.5)])

        exported = shop.work(shop.create(kind="export"))
        files = shop.files(exported)
        assert shop.client.get("/v1/items/i3").json()["hidden"]

        assert (exported["state"], exported["counts"]) == ("succeeded", {"items": 31, "users": 1, "events": 161})
        assert len(files) > 3
        other = f"{settings.project}-copy"
        with httpx2.Client(
            base_url=shop.client.base_url, headers={"X-API-Key": a_project(shop.wired, other)}
        ) as client:
            copy = Shop(shop.wired, other, client)
            for name, content in files.items():
                kind = name.removesuffix(".jsonl").partition("-")[2]
                assert copy.loaded(content, records=kind)["counts"]["rejected"] == 0
            again = copy.files(copy.work(copy.create(kind="export")))
        assert sorted(b"".join(again.values()).splitlines()) == sorted(b"".join(files.values()).splitlines())

    def test_imported_items_are_known_as_new_ones_to_the_active_model(self, shop: Shop) -> None:
        services = shop.wired.services
        services.events.accept(shop.project, two_tastes())
        services.train.run(shop.project, services.train.queue(shop.project))

        shop.loaded(lines(ITEMS), records="items")

        active = services.rollout.active(shop.project)
        assert active
        assert active.newest_item

    def test_of_several_rows_of_an_item_the_last_one_counts(self, shop: Shop) -> None:
        rows = [{"item_id": f"i{n % 150}", "title": str(n)} for n in range(600)]

        assert shop.loaded(lines(rows), records="items")["counts"]["loaded"] == 600
        assert [shop.client.get(f"/v1/items/i{n}").json()["title"] for n in (0, 149)] == ["450", "599"]

    def test_columns_have_the_names_of_the_file_and_bad_rows_are_told(self, shop: Shop) -> None:
        rows = "who,sku,stars\nann,tea,4\nbob,,5\nann,milk,a lot\n"

        job = shop.loaded(
            rows.encode(),
            records="events",
            format="csv",
            columns={"who": "user_id", "sku": "item_id", "stars": "value"},
        )

        assert (job["state"], job["counts"]) == ("succeeded", {"loaded": 1, "rejected": 2})
        (told,) = shop.files(job).values()
        reasons = [orjson.loads(line) for line in told.splitlines()]
        assert [(one["line"], one["reason"].partition(":")[0]) for one in reasons] == [(3, "item_id"), (4, "value")]
        (event,) = shop.client.get("/v1/users/ann/events").json()["events"]
        assert (event["item_id"], event["value"]) == ("tea", 4)

    @pytest.mark.parametrize(
        ("content", "body", "reason"),
        [
            (b"", {"records": "items"}, "The file is empty."),
            (b"sku;price\n", {"records": "items", "format": "csv"}, "does not start with a header line"),
            (b"sku,price\n1,2\n", {"records": "items", "format": "csv"}, "Name yours in `columns`"),
            (b"item_id,t\n\xff\xfe,1\n", {"records": "items", "format": "csv"}, "is not UTF-8 text"),
            (b'{"id": 1}\n' * 200, {"records": "items"}, "The first 100 rows of the file are all bad: item_id"),
            (b'{"item_id": "' + b"x" * 2**20, {"records": "items"}, "is longer than 1,048,576 bytes"),
        ],
    )
    def test_a_file_that_cannot_be_read_fails_with_the_reason(
        self, shop: Shop, content: bytes, body: dict[str, Any], reason: str
    ) -> None:
        job = shop.loaded(content, **body)

        assert job["state"] == "failed"
        assert reason in job["detail"]
        assert shop.client.get("/v1/items").json()["items"] == []

    def test_urls_are_for_one_file_one_method_and_a_while(self, shop: Shop) -> None:
        job = shop.create(kind="import", records="items")
        url = job["upload_url"]

        assert httpx2.get(url).status_code == 403
        assert httpx2.put(url + "x", content=b"{}").status_code == 403
        assert httpx2.put(url.replace("/files/", "/files/../"), content=b"{}").status_code in {403, 404}
        assert shop.client.post(f"/v1/jobs/{job['job_id']}:start").json()["detail"].startswith("The file has not been")
        assert httpx2.put(url, content=lines(ITEMS) * 6_000).status_code == 200  # more than a body may have
        assert shop.client.post(f"/v1/jobs/{job['job_id']}:start").status_code == 202
        assert shop.client.post(f"/v1/jobs/{job['job_id']}:start").status_code == 409


class TestErasure:
    def test_it_ends_with_the_receipt_and_names_nobody(self, shop: Shop) -> None:
        name = f"{shop.project}@example.com"
        shop.wired.services.events.accept(shop.project, [an_event(name, f"i{n}") for n in range(30)])

        job = shop.work(shop.create(kind="erasure", user_id=name))

        receipt = shop.client.get(f"/v1/users/{name}/erasure").json()
        assert (job["state"], job["counts"]) == ("succeeded", receipt["removed"])
        assert job["receipt_id"] == receipt["receipt_id"]
        assert tables.naming(shop.wired, name) == []

    def test_it_removes_what_a_request_would(self, shop: Shop, key: str) -> None:
        shop.client.put("/v1/scenarios/kept", json={"log_sample_rate": 1}).raise_for_status()
        fill(shop.client, 30)
        connected(shop.wired, shop.project, key)
        shop.client.get(f"/v1/users/{ANN}/recommendations?scenario=kept").raise_for_status()

        job = shop.work(shop.create(kind="erasure", user_id=ANN))

        assert job["counts"] == {"profile": 1, "events": 30, "connections": 2, "failures": 1, "decisions": 1}


class TestTraining:
    def test_it_makes_the_version_that_it_names(self, shop: Shop) -> None:
        shop.wired.services.events.accept(shop.project, two_tastes())

        job = shop.work(shop.create(kind="training"))

        assert (job["state"], job["progress"]) == ("succeeded", 1)
        version = shop.client.get(f"/v1/models/{job['version']}").json()
        assert (version["state"], version["active"]) == ("ready", True)

    def test_its_progress_is_the_jobs(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        shop.wired.services.events.accept(shop.project, two_tastes())
        monkeypatch.setattr(worker, "REPORT_SECONDS", 0.0)
        seen, beat = [], Store.heartbeat

        def beating(store: Store, project: str, job: Job, progress: float, now: datetime) -> None:
            beat(store, project, job, progress, now)
            seen.append(shop.get({"job_id": job.job_id})["progress"])

        monkeypatch.setattr(Store, "heartbeat", beating)
        shop.work(shop.create(kind="training"))

        assert len(set(seen)) > 1

    def test_every_training_is_a_job(self, shop: Shop) -> None:
        version = shop.client.post("/v1/models").json()["version"]

        (job,) = shop.client.get("/v1/jobs").json()["jobs"]
        assert (job["kind"], job["version"]) == ("training", version)
        failed = shop.work(job)
        assert failed["state"] == "failed"
        assert "at least 2 users" in failed["detail"]

    def test_cancelling_the_job_cancels_the_version(self, shop: Shop) -> None:
        job = shop.create(kind="training")

        cancelled = shop.client.post(f"/v1/jobs/{job['job_id']}:cancel")

        assert cancelled.json()["state"] == "cancelled"
        assert shop.client.post(f"/v1/jobs/{job['job_id']}:cancel").status_code == 409
        assert shop.client.get(f"/v1/models/{job['version']}").json()["state"] == "cancelling"

    def test_cancelling_the_version_ends_the_job(self, shop: Shop) -> None:
        shop.wired.services.events.accept(shop.project, two_tastes())
        job = shop.create(kind="training")
        shop.client.post(f"/v1/models/{job['version']}:cancel").raise_for_status()

        assert shop.work(job)["state"] == "cancelled"
        assert shop.client.get(f"/v1/models/{job['version']}").json()["state"] == "cancelled"


class Refusing:
    def launch(self, project: str, job: object) -> None:
        raise WorkerUnavailable(f"No worker for {project}, {job}.")


class TestNotSetUp:
    def test_a_job_that_nobody_would_do_leaves_no_trace(self, wired: Wired, settings: Settings, key: str) -> None:
        refusing = wire(settings, Refusing(), oidc_client.fetch)
        with client_of(refusing, key) as client:
            refused = client.post("/v1/jobs", json={"kind": "export"})
            untrained = [client.post("/v1/models"), client.post("/v1/jobs", json={"kind": "training"})]
            versions = client.get("/v1/models").json()["versions"]
            waiting = client.post("/v1/jobs", json={"kind": "import", "records": "items"}).json()
            httpx_name = file_name(
                settings.project, wired.services.jobs.get(settings.project, waiting["job_id"]), UPLOAD
            )
            wired.services.jobs.objects.write(httpx_name, b"{}")
            not_begun = client.post(f"/v1/jobs/{waiting['job_id']}:start")
            listed = client.get("/v1/jobs").json()["jobs"]

        assert [one.status_code for one in (refused, not_begun, *untrained)] == [501] * 4
        assert versions == []
        assert refused.json()["type"] == "urn:serendip:problem:worker-unavailable"
        assert [(one["job_id"], one["state"]) for one in listed] == [(waiting["job_id"], "waiting")]
        refusing.close()

    def test_without_a_place_for_files_only_what_needs_none_is_done(self, settings: Settings, key: str) -> None:
        bare = wire(settings.model_copy(update={"files": None}), IdleLauncher(), oidc_client.fetch)
        with client_of(bare, key) as client:
            answers = {
                kind: client.post("/v1/jobs", json={"kind": kind, **more})
                for kind, more in {"export": {}, "import": {"records": "items"}, "erasure": {"user_id": "ann"}}.items()
            }

        assert {kind: one.status_code for kind, one in answers.items()} == {
            "export": 501,
            "import": 501,
            "erasure": 202,
        }
        assert "SERENDIP_FILES" in answers["export"].json()["detail"]
        bare.close()

"""Jobs through the API: a real server, files over its URLs, and a worker in the test."""

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
from tests.support.builders import SECRET, IdleLauncher, a_project, an_event, an_item, client_of, two_tastes, wired_on
from tests.support.personal_data import ANN, connected, fill
from tests.support.server_process import LIVE, Server, running

NOT_A_NUMBER = "is not a number (write 1299.5, without currency or thousands separators)"
ITEMS = [{"item_id": f"i{n}", "title": f"Item {n}", "categories": ["tea"], "hidden": n == 3} for n in range(30)]


@dataclass
class Shop:
    """A project on a server that leaves jobs to the test."""

    wired: Wired
    project: str
    client: httpx2.Client

    def create(self, **body: Any) -> dict[str, Any]:
        response = self.client.post("/v1/jobs", json=body)
        assert response.status_code == 202, response.text
        job: dict[str, Any] = response.json()
        assert response.headers["location"] == f"/v1/jobs/{job['job_id']}"
        return job

    def work(self, job: dict[str, Any]) -> dict[str, Any]:
        worker.work(self.wired.services, self.project, job["job_id"])
        return self.get(job)

    def get(self, job: dict[str, Any]) -> dict[str, Any]:
        current: dict[str, Any] = self.client.get(f"/v1/jobs/{job['job_id']}").raise_for_status().json()
        return current

    def loaded(self, content: bytes, **body: Any) -> dict[str, Any]:
        job = self.create(**{"kind": "import"} | body)
        assert (job["state"], job["progress"]) == ("waiting", 0)
        httpx2.put(job["upload_url"], content=content).raise_for_status()
        begun = self.client.post(f"/v1/jobs/{job['job_id']}:start")
        assert (begun.status_code, begun.json()["state"], begun.json()["upload_url"]) == (202, "running", None)
        return self.work(job)

    def files(self, job: dict[str, Any]) -> dict[str, bytes]:
        contents, params = {}, {"limit": "2"}
        while True:
            page = self.client.get(f"/v1/jobs/{job['job_id']}/files", params=params).raise_for_status().json()
            for file in page["files"]:
                contents[file["name"]] = httpx2.get(file["url"]).raise_for_status().content
                assert len(contents[file["name"]]) == file["bytes"]
            if page["next_cursor"] is None:
                return contents
            params["cursor"] = page["next_cursor"]


@pytest.fixture(scope="module")
def server(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """The server of all tests, and the folder of its files."""
    files = str(tmp_path_factory.mktemp("files"))
    with running(
        Settings(secret=SECRET, endpoint=emulator.endpoint, files=files, read_timeout_seconds=10), "none", mode=LIVE
    ) as server:
        yield server, files


@pytest.fixture
def settings(settings: Settings, server: tuple[Server, str]) -> Settings:
    return settings.model_copy(update={"files": server[1]})


@pytest.fixture
def shop(wired: Wired, key: str, server: tuple[Server, str]) -> Iterator[Shop]:
    with httpx2.Client(base_url=server[0].base, headers={"X-API-Key": key}) as client:
        yield Shop(wired, wired.services.settings.project, client)


def lines(records: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(record) + b"\n" for record in records)


class TestRoundTrip:
    def test_exported_files_can_be_imported_into_another_project(
        self, shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exports, "PART_BYTES", 5_000)
        earlier = [{**item, "title": "", "categories": ["milk"]} for item in ITEMS]
        for records, loaded in ((earlier, 30), (ITEMS, 30), (ITEMS, 0)):
            counts = shop.loaded(lines(records), records="items")["counts"]
            assert (counts["loaded"], counts["unchanged"], counts["rejected"]) == (loaded, 30 - loaded, 0)
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

    def test_imported_items_are_new_items_of_the_active_version(self, shop: Shop) -> None:
        services = shop.wired.services
        services.events.accept(shop.project, two_tastes())
        services.train.run(shop.project, services.train.queue(shop.project))

        shop.loaded(lines(ITEMS), records="items")

        active = services.rollout.active(shop.project)
        assert active
        assert active.newest_item

    def test_the_last_row_of_an_item_wins(self, shop: Shop) -> None:
        rows = [{"item_id": f"i{n % 150}", "title": str(n)} for n in range(600)]

        assert shop.loaded(lines(rows), records="items")["counts"]["loaded"] == 600
        assert [shop.client.get(f"/v1/items/i{n}").json()["title"] for n in (0, 149)] == ["450", "599"]

    def test_columns_are_mapped_and_bad_rows_are_reported(self, shop: Shop) -> None:
        rows = "who,sku,stars\nann,tea,4\nbob,,5\nann,milk,a lot\n"

        job = shop.loaded(
            rows.encode(),
            records="events",
            format="csv",
            columns={"user_id": "who", "item_id": "sku", "value": "stars"},
        )

        summary = job["summary"]
        assert job["state"] == "failed"
        assert (summary["read"], summary["records"], summary["rejected"]) == (3, {"events": 1}, 2)
        assert set(summary["reasons"]) == {"item_id is empty", f"stars: {NOT_A_NUMBER}"}
        assert "2 of 3 rows were rejected" in job["detail"]
        (content,) = shop.files(job).values()
        rejects = [orjson.loads(line) for line in content.splitlines()]
        assert [(reject["line"], reject["reason"]) for reject in rejects] == [
            (3, "item_id is empty"),
            (4, f"stars: 'a lot' {NOT_A_NUMBER}"),
        ]
        (event,) = shop.client.get("/v1/users/ann/events").json()["events"]
        assert (event["item_id"], event["value"]) == ("tea", 4)

    @pytest.mark.parametrize(
        ("content", "body", "reason"),
        [
            (b"", {"records": "items"}, "The file is empty."),
            (b"1;2\n", {"records": "items", "format": "csv"}, "no header line"),
            (b"sku,price\n1,2\n", {"records": "items", "format": "csv"}, '"columns": {"item_id": "sku"}'),
            (b"sku,price\n1,2\n", {}, '"columns": {"item_id": "sku"}'),
            (b"item_id,t\n\xff\xfe,1\n", {"records": "items", "format": "csv"}, "is not UTF-8 text"),
            (b"item_id,t\n1,1\n", {"records": "items", "format": "jsonl"}, "The file is not jsonl"),
            (b'{"id": 1}\n' * 200, {}, '"columns": {"item_id": "id"}'),
            (b'{"item_id": null}\n' * 200, {"records": "items"}, "the first 200 rows are all bad: item_id is empty"),
            (b'{"item_id": "' + b"x" * 2**20, {"records": "items"}, "is not JSON Lines"),
            (b"item_id,item_id\n1,2\n", {}, "more than one column 'item_id'"),
            (b"item_id,price\n1,2\n", {"columns": {"title": "pirce"}}, "Did you mean 'price'?"),
        ],
    )
    def test_an_unreadable_file_fails_the_job_with_the_reason(
        self, shop: Shop, content: bytes, body: dict[str, Any], reason: str
    ) -> None:
        job = shop.loaded(content, **body)

        assert job["state"] == "failed"
        assert reason in job["detail"]
        assert shop.client.get("/v1/items").json()["items"] == []

    def test_a_preview_asks_and_an_import_reads_its_file(self, shop: Shop) -> None:
        sales = b"CustomerID,StockCode,Description,sent\n" + b"".join(
            b"c%d,S-%d,Mug %d,x\n" % (n, n, n) for n in range(30)
        )
        preview = shop.loaded(sales, kind="preview", file_name="sales.csv")
        assert (preview["state"], preview["import_id"], preview["preview"]["rows"]) == ("succeeded", None, [])
        assert [choice["columns"] for choice in preview["preview"]["choices"]] == [
            {"item_id": "StockCode"},
            {"user_id": "CustomerID"},
        ]
        columns = {"item_id": "StockCode", "user_id": "CustomerID", "title": "Description"}

        shown = shop.work(shop.create(kind="preview", columns=columns, file_of=preview["job_id"]))
        assert {column["name"]: column["means"] for column in shown["preview"]["columns"]} == {
            "CustomerID": ["user_id"],
            "StockCode": ["item_id"],
            "Description": ["title"],
            "sent": [],
        }
        assert shown["preview"]["summary"]["records"] == {"events": 30, "items": 30}
        assert [record["kind"] for record in shown["preview"]["rows"][0]["records"]] == ["events", "items"]
        assert shop.client.get("/v1/items").json()["items"] == []
        imported = shop.work(shop.create(kind="import", columns=columns, file_of=shown["job_id"]))

        assert (imported["state"], imported["summary"]["records"]) == ("succeeded", {"events": 30, "items": 30})
        assert imported["request"]["file_name"] == "sales.csv"
        assert len(shop.client.get("/v1/items").json()["items"]) == 30

    def test_a_job_without_a_file_lends_none(self, shop: Shop) -> None:
        waiting = shop.create(kind="import")
        for job_id, status in ((waiting["job_id"], 409), ("j1", 404)):
            response = shop.client.post("/v1/jobs", json={"kind": "preview", "file_of": job_id})

            assert response.status_code == status, response.text

    def test_urls_of_files_name_the_public_address_and_not_the_host_of_a_request(
        self, settings: Settings, key: str
    ) -> None:
        wired = wired_on(settings.model_copy(update={"public_url": "https://recommend.shop.example"}))
        with client_of(wired, key) as client:
            request = {"kind": "import", "records": "items"}
            job = client.post("/v1/jobs", json=request, headers={"Host": "attacker.example"}).json()
        wired.database.close()

        assert job["upload_url"].startswith("https://recommend.shop.example/files/")

    def test_an_upload_url_is_valid_for_one_file_and_method(self, shop: Shop) -> None:
        job = shop.create(kind="import", records="items")
        url = job["upload_url"]

        refused = httpx2.get(url)
        assert (refused.status_code, refused.headers["content-disposition"]) == (403, "attachment")
        assert refused.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert httpx2.put(url + "x", content=b"{}").status_code == 403
        assert httpx2.put(url.replace("/files/", "/files/../"), content=b"{}").status_code in {403, 404}
        assert shop.client.post(f"/v1/jobs/{job['job_id']}:start").json()["detail"].startswith("The file has not been")
        assert httpx2.put(url, content=lines(ITEMS) * 6_000).status_code == 200  # larger than a request body may be
        assert shop.client.post(f"/v1/jobs/{job['job_id']}:start").status_code == 202
        assert shop.client.post(f"/v1/jobs/{job['job_id']}:start").status_code == 409


class TestErasure:
    def test_an_erasure_job_returns_the_receipt_and_leaves_no_trace(self, shop: Shop) -> None:
        name = f"{shop.project}@example.com"
        shop.wired.services.events.accept(shop.project, [an_event(name, f"i{n}") for n in range(30)])

        job = shop.work(shop.create(kind="erasure", user_id=name))

        receipt = shop.client.get(f"/v1/users/{name}/erasure").json()
        assert (job["state"], job["counts"]) == ("succeeded", receipt["removed"])
        assert job["receipt_id"] == receipt["receipt_id"]
        assert tables.naming(shop.wired, name) == []

    def test_an_erasure_job_removes_the_same_rows_as_a_request(self, shop: Shop, key: str) -> None:
        shop.client.put("/v1/scenarios/kept", json={"log_sample_rate": 1}).raise_for_status()
        fill(shop.client, 30)
        connected(shop.wired, shop.project, key)
        shop.client.get(f"/v1/users/{ANN}/recommendations?scenario=kept").raise_for_status()

        job = shop.work(shop.create(kind="erasure", user_id=ANN))

        assert job["counts"] == {"profile": 1, "events": 30, "connections": 2, "failures": 1, "decisions": 1}


class TestTraining:
    def test_a_training_job_trains_the_version_that_it_names(self, shop: Shop) -> None:
        shop.wired.services.events.accept(shop.project, two_tastes())

        job = shop.work(shop.create(kind="training"))

        assert (job["state"], job["progress"]) == ("succeeded", 1)
        version = shop.client.get(f"/v1/models/{job['version']}").json()
        assert (version["state"], version["active"]) == ("ready", True)

    def test_a_training_job_reports_progress(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        shop.wired.services.events.accept(shop.project, two_tastes())
        monkeypatch.setattr(worker, "REPORT_SECONDS", 0.0)
        seen, heartbeat = [], Store.heartbeat

        def observed(store: Store, project: str, job: Job, progress: float, now: datetime) -> None:
            heartbeat(store, project, job, progress, now)
            seen.append(shop.get({"job_id": job.job_id})["progress"])

        monkeypatch.setattr(Store, "heartbeat", observed)
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
        assert shop.client.get(f"/v1/models/{job['version']}").json()["state"] == "cancelled"

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
    def test_a_job_without_a_worker_is_refused_and_leaves_no_trace(
        self, wired: Wired, settings: Settings, key: str
    ) -> None:
        refusing = wire(settings, Refusing(), oidc_client.fetch)
        with client_of(refusing, key) as client:
            refused = client.post("/v1/jobs", json={"kind": "export"})
            untrained = [client.post("/v1/models"), client.post("/v1/jobs", json={"kind": "training"})]
            versions = client.get("/v1/models").json()["versions"]
            waiting = client.post("/v1/jobs", json={"kind": "import", "records": "items"}).json()
            job = wired.services.jobs.get(settings.project, waiting["job_id"])
            wired.services.jobs.objects.write(file_name(settings.project, job, UPLOAD), b"{}")
            not_begun = client.post(f"/v1/jobs/{waiting['job_id']}:start")
            listed = client.get("/v1/jobs").json()["jobs"]

        assert [response.status_code for response in (refused, not_begun, *untrained)] == [501] * 4
        assert versions == []
        assert refused.json()["type"] == "urn:serendip:problem:worker-unavailable"
        assert [(job["job_id"], job["state"]) for job in listed] == [(waiting["job_id"], "waiting")]
        refusing.close()

    def test_jobs_with_files_are_refused_without_a_file_store(self, settings: Settings, key: str) -> None:
        bare = wire(settings.model_copy(update={"files": None}), IdleLauncher(), oidc_client.fetch)
        with client_of(bare, key) as client:
            responses = {
                kind: client.post("/v1/jobs", json={"kind": kind, **more})
                for kind, more in {"export": {}, "import": {"records": "items"}, "erasure": {"user_id": "ann"}}.items()
            }

        assert {kind: response.status_code for kind, response in responses.items()} == {
            "export": 501,
            "import": 501,
            "erasure": 202,
        }
        assert "SERENDIP_FILES" in responses["export"].json()["detail"]
        bare.close()

"""Files of jobs in a folder and in a bucket of MiniStack, which checks signatures."""

import os
from collections.abc import Iterator
from pathlib import Path
from time import time

import httpx2
import orjson
import pytest
from botocore.session import get_session

from app.config import Settings
from app.domain.access import ADMINISTRATION, Scope
from app.domain.jobs import StoredFile
from app.errors import InvalidToken, Unavailable
from app.storage.objects import GET, PUT, FileStore, FolderFileStore, S3FileStore
from tests.support.builders import SECRET, a_key, a_project, client_of, wired_on
from tests.support.cloud import MINISTACK, emulator

BUCKET = "files"
needs_bucket = pytest.mark.skipif(not MINISTACK.exists(), reason="MiniStack is not installed: make .venv/ministack")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with emulator(tmp_path_factory.mktemp("s3")):
        get_session().create_client("s3").create_bucket(Bucket=BUCKET)
        yield BUCKET


@pytest.fixture(params=[pytest.param("bucket", marks=needs_bucket), "folder"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    if request.param == "folder":
        return FolderFileStore(tmp_path, SECRET.get_secret_value())
    return S3FileStore(request.getfixturevalue("bucket"), "us-east-1")


class TestObjects:
    def test_files_are_written_read_in_parts_listed_and_deleted(self, objects: FileStore) -> None:
        names = [f"of-shop/j1/{name}" for name in ("a", "b|c@d", "e")]
        for name in names:
            objects.write(name, b"hello world")
        objects.write("of-shop2/j1/a", b"others'")
        objects.write(names[0], b"hello")

        assert [objects.size(name) for name in (*names, "of-shop/j1/none")] == [5, 11, 11, None]
        assert [objects.read(names[1], start, 5) for start in (0, 6, 9)] == [b"hello", b"world", b"ld"]
        first = objects.list_page("of-shop/", None, 2)
        assert first.records == (StoredFile(names[0], 5), StoredFile(names[1], 11))
        rest = objects.list_page("of-shop/", first.next_start, 2)
        assert (rest.records, rest.next_start) == ((StoredFile(names[2], 11),), None)
        assert [objects.delete_all("of-shop/") for _ in range(2)] == [3, 0]
        assert objects.size("of-shop2/j1/a") == 7


@needs_bucket
class TestBucket:
    def test_a_url_is_valid_for_one_method_and_one_file(self, bucket: str) -> None:
        objects = S3FileStore(bucket, "us-east-1")
        put, get = objects.url(PUT, "of-u/j1/up", 60), objects.url(GET, "of-u/j1/up", 60)

        assert httpx2.put(put, content=b"content").status_code == 200
        assert httpx2.get(get).content == b"content"
        refused = [
            httpx2.get(put),
            httpx2.put(get, content=b"other"),
            httpx2.get(get.replace("Signature=", "Signature=0")),
            httpx2.put(put.replace("/up?", "/other?"), content=b"other"),
        ]
        assert [response.status_code for response in refused] == [403] * 4
        assert objects.read("of-u/j1/up", 0, 100) == b"content"

    def test_an_unreachable_bucket_raises_unavailable(self, bucket: str) -> None:
        assert bucket

        with pytest.raises(Unavailable, match="cannot be reached"):
            S3FileStore("no-such-bucket", "us-east-1").write("of-a/j1/x", b"")

    def test_jobs_read_and_write_files_in_the_bucket(self, bucket: str, own: Settings) -> None:
        project = f"{own.project}-s3"
        settings = own.model_copy(update={"files": bucket, "key_ttl_seconds": 0.0})
        wired = wired_on(settings)
        with client_of(wired, a_project(wired, project)) as client:
            job = client.post("/v1/jobs", json={"kind": "import", "records": "items"}).json()
            early = client.post(f"/v1/jobs/{job['job_id']}:start")
            names = [f"i{number}" for number in range(10)]
            rows = b"".join(orjson.dumps({"item_id": name}) + b"\n" for name in (*names, ""))
            httpx2.put(job["upload_url"], content=rows).raise_for_status()
            client.post(f"/v1/jobs/{job['job_id']}:start").raise_for_status()
            imported = client.get(f"/v1/jobs/{job['job_id']}").json()
            exported = client.post("/v1/jobs", json={"kind": "export"}).json()["job_id"]
            (file,) = client.get(f"/v1/jobs/{exported}/files").json()["files"]
            lines = httpx2.get(file["url"]).raise_for_status().content.splitlines()
        administrator = client_of(wired, a_key(wired, ADMINISTRATION, Scope.ADMIN))
        while "files" not in (removed := administrator.delete(f"/v1/projects/{project}").json()["deletion"]["removed"]):
            pass

        assert (early.status_code, early.json()["title"]) == (409, "Conflict")
        counts = imported["counts"]
        assert (imported["state"], counts["loaded"], counts["rejected"]) == ("succeeded", 10, 1)
        assert sorted(orjson.loads(line)["item_id"] for line in lines) == names
        assert removed["files"] == 3
        wired.close()

    def test_urls_name_the_region(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")

        url = S3FileStore("shop-files", "eu-central-1").url(GET, "of-a/j1/x", 60)

        assert url.startswith("https://shop-files.s3.eu-central-1.amazonaws.com/of-a/j1/x?")


class TestFolder:
    def test_a_url_is_valid_for_one_method_and_expires(self, tmp_path: Path) -> None:
        objects = FolderFileStore(tmp_path, SECRET.get_secret_value())
        token = objects.url(PUT, "of-a/j1/x", 60).rpartition("/")[2]

        assert objects.named(token, PUT) == "of-a/j1/x"
        with pytest.raises(InvalidToken, match="for PUT"):
            objects.named(token, GET)
        with pytest.raises(InvalidToken, match="has expired"):
            objects.named(objects.url(PUT, "of-a/j1/x", -1).rpartition("/")[2], PUT)
        with pytest.raises(InvalidToken, match="not valid"):
            objects.named(FolderFileStore(tmp_path, "another").url(PUT, "of-a/j1/x", 60).rpartition("/")[2], PUT)

    def test_old_files_are_deleted(self, tmp_path: Path) -> None:
        objects = FolderFileStore(tmp_path, SECRET.get_secret_value())
        for name in ("of-a/j1/old", "of-a/j1/new"):
            objects.write(name, b"x")
        week_ago = time() - 7 * 86_400 - 1
        os.utime(objects.path("of-a/j1/old"), (week_ago, week_ago))

        objects.expire(7)

        assert [file.name for file in objects.list_page("of-a/", None, 10).records] == ["of-a/j1/new"]

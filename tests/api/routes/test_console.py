"""The console's page and assets, as uvicorn and as Lambda send them."""

import gzip
import re
import subprocess
import sys
from asyncio import Runner, set_event_loop
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from mangum import Mangum
from starlette.testclient import TestClient

from app.api.application import create_application
from app.api.routes import console
from app.config import Settings
from app.entry.aws.dispatch import TEXT_TYPES
from app.entry.local import sample_shop
from app.wiring import Wired
from infra.console import build
from tests.support.builders import SECRET, client_of
from tests.support.payloads import FORMS

MOST_BYTES = 150_000
"""Of the first page, compressed."""


@pytest.fixture(autouse=True, scope="module")
def _console() -> None:
    build()


@pytest.fixture
def anonymous(wired: Wired) -> Iterator[httpx2.Client]:
    with client_of(wired) as client:
        yield client


def assets_of(html: str) -> list[str]:
    return re.findall(r'(?:src|href)="\./(assets/[^"]+)"', html)


def script_of(html: str) -> str:
    return f"/console/{next(asset for asset in assets_of(html) if asset.endswith('.js'))}"


class TestIndex:
    @pytest.mark.parametrize("path", ["/", "/console", "/console/", "/console/catalog/some:item@1"])
    def test_every_address_is_the_page(self, anonymous: httpx2.Client, path: str) -> None:
        response = anonymous.get(path)

        assert response.status_code == 200
        assert '<base href="/console/">' in response.text
        assert response.headers["cache-control"] == "no-cache"
        assert anonymous.get(path, headers={"If-None-Match": response.headers["etag"]}).status_code == 304

    def test_the_policy_allows_no_inline_code(self, anonymous: httpx2.Client) -> None:
        response = anonymous.get("/console")

        policy = response.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert policy.startswith(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:;"
        )
        assert "connect-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert not re.search(r"<script(?![^>]*src=)|<style|style=| on[a-z]+=", response.text)

    def test_the_policy_names_the_sockets_and_the_bucket_of_a_stage(self) -> None:
        endpoint = "https://a1b2.execute-api.eu-west-1.amazonaws.com/live"
        settings = Settings(secret=SECRET, region="eu-west-1", socket_endpoint=endpoint, files="our-files")

        origins = re.findall(r"connect-src ([^;]+)", console.policy(settings))[0].split()

        assert origins == [
            "'self'",
            "wss://a1b2.execute-api.eu-west-1.amazonaws.com",
            "https://our-files.s3.eu-west-1.amazonaws.com",
            "https://our-files.s3.amazonaws.com",
        ]

    def test_the_policy_names_the_domain_of_the_sockets(self) -> None:
        endpoint = "https://a1b2.execute-api.eu-west-1.amazonaws.com/live"
        settings = Settings(secret=SECRET, socket_endpoint=endpoint, socket_domain="live.shop.example")

        assert "connect-src 'self' wss://live.shop.example;" in console.policy(settings)

    def test_a_path_before_it_is_part_of_its_base(self, wired: Wired) -> None:
        behind_a_proxy = TestClient(create_application(wired.services), root_path="/prod")

        response = behind_a_proxy.get("/console")

        assert '<base href="/prod/console/">' in response.text

    def test_without_a_build_it_says_how_to_build(
        self, anonymous: httpx2.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(console, "DIST", tmp_path)

        response = anonymous.get("/")

        assert response.status_code == 200
        assert "make console" in response.text


class TestAsset:
    def test_the_first_page_is_small(self, anonymous: httpx2.Client) -> None:
        html = anonymous.get("/console").text
        sizes = {
            asset: int(anonymous.get(f"/console/{asset}", headers={"Accept-Encoding": "br"}).headers["content-length"])
            for asset in assets_of(html)
        }

        assert len(sizes) >= 3
        assert sum(sizes.values()) + len(html) < MOST_BYTES, sizes

    @pytest.mark.parametrize(
        ("accepted", "encoding"),
        [("gzip, br", "br"), ("gzip;q=0.5", "gzip"), ("br;q=0, gzip", "gzip"), ("identity", None), ("", None)],
    )
    def test_it_is_compressed_as_accepted(self, anonymous: httpx2.Client, accepted: str, encoding: str | None) -> None:
        script = script_of(anonymous.get("/console").text)

        response = anonymous.get(script, headers={"Accept-Encoding": accepted})

        assert response.headers.get("content-encoding") == encoding
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["content-type"] == "text/javascript; charset=utf-8"
        assert response.headers["vary"] == "Accept-Encoding"

    @pytest.mark.parametrize("name", ["nothing.js", "..js", "index.html", "a.exe", "icon.svg.br"])
    def test_other_files_are_not_found(self, anonymous: httpx2.Client, name: str) -> None:
        assert anonymous.get(f"/console/assets/{name}").status_code == 404

    @pytest.mark.parametrize("path", ["..%2F..%2Fsrc%2Fapi.ts", "%2e%2e/%2e%2e/package.json", "a/../../index.html"])
    def test_no_path_leads_out_of_the_build(self, anonymous: httpx2.Client, path: str) -> None:
        response = anonymous.get(f"/console/assets/{path}")

        assert response.status_code == 404 or response.text == anonymous.get("/console").text


class TestSamplePicture:
    def test_every_item_of_the_sample_shop_has_one(self, anonymous: httpx2.Client) -> None:
        urls = {str(item.properties["image_url"]) for item in sample_shop.items(Random(0))}

        assert {anonymous.get(url).headers["content-type"] for url in urls} == {"image/svg+xml"}

    @pytest.mark.parametrize("name", ["spoon.svg", "tent.svg.br", "..%2Findex.html"])
    def test_others_are_not_found(self, anonymous: httpx2.Client, name: str) -> None:
        response = anonymous.get(f"/console/sample/{name}")

        assert response.status_code == 404 or response.text == anonymous.get("/console").text


class TestLambda:
    @pytest.mark.parametrize("form", FORMS)
    def test_compressed_bytes_arrive_unchanged(self, wired: Wired, form: str) -> None:
        def answered(path: str, headers: dict[str, str]) -> Any:
            with Runner() as runner:
                set_event_loop(runner.get_loop())  # otherwise Mangum makes one that nobody closes
                handler: Any = Mangum(create_application(wired.services), lifespan="off", text_mime_types=TEXT_TYPES)
                return handler(FORMS[form](("GET", path, headers, None)), None)

        with ThreadPoolExecutor(1) as aside:  # browsers of other tests leave a running loop in this thread
            script = script_of(aside.submit(answered, "/", {}).result()["body"])
            answer = aside.submit(answered, script, {"accept-encoding": "gzip"}).result()

        headers = answer["headers"]
        assert (headers["content-encoding"], answer["isBase64Encoded"]) == ("gzip", True)
        plain = (console.DIST / script.removeprefix("/console/")).read_bytes()
        assert gzip.decompress(b64decode(answer["body"])) == plain


class TestColdStart:
    def test_no_module_of_it_is_loaded_before_its_first_request(self) -> None:
        program = "import app.api.application, sys; assert 'app.api.routes.console' not in sys.modules"

        subprocess.run([sys.executable, "-c", program], check=True)

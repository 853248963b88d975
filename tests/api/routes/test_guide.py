"""The guides: every page renders, every link between pages leads somewhere, and nothing else can be read."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest

from app.api.routes import guide
from app.wiring import Wired
from tests.support.builders import client_of

DOCS = Path(__file__).parents[3] / "app" / "docs"
NAMES = sorted(path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md"))


@pytest.fixture
def anonymous(wired: Wired) -> Iterator[httpx2.Client]:
    with client_of(wired) as client:
        yield client


class TestGuide:
    def test_the_index_needs_no_key(self, anonymous: httpx2.Client) -> None:
        response = anonymous.get("/guide")

        assert response.status_code == 200
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "<h1 " in response.text

    @pytest.mark.parametrize("name", NAMES)
    def test_every_page_renders_and_its_links_lead_to_pages(self, anonymous: httpx2.Client, name: str) -> None:
        response = anonymous.get(f"/guide/{name}")

        assert response.status_code == 200
        for link in re.findall(r'href="((?:/guide|[\w-]+\.ipynb)[^"#]*)"', response.text):
            assert anonymous.get(urljoin(f"/guide/{name}", link)).status_code == 200, link
        assert '.md"' not in response.text

    def test_a_section_has_an_address(self, anonymous: httpx2.Client) -> None:
        """The console links to this one."""
        assert '<h2 id="filters-and-boosts">' in anonymous.get("/guide/recommendations").text

    def test_pictures_of_pages_are_served(
        self, anonymous: httpx2.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "pictures").mkdir()
        (tmp_path / "pictures" / "home.png").write_bytes(b"picture")
        (tmp_path / "pictured.md").write_text("# Home\n\n![Home](pictures/home.png)")
        monkeypatch.setattr(guide, "DOCS", tmp_path)
        for cached in (guide._paths, guide._pictures, guide._render):  # noqa: SLF001
            monkeypatch.setattr(guide, cached.__name__, cached.__wrapped__)

        html = anonymous.get("/guide/pictured").text
        (source,) = re.findall(r'<img src="([^"]+)"', html)
        response = anonymous.get(source)

        assert (response.content, response.headers["content-type"]) == (b"picture", "image/png")
        assert anonymous.get("/guide/pictures/other.png").status_code == 404

    @pytest.mark.parametrize("name", ["nothing", "../README", "..%2FREADME", "%2e%2e/%2e%2e/README", "/etc/passwd"])
    def test_other_files_are_not_found(self, anonymous: httpx2.Client, name: str) -> None:
        response = anonymous.get(f"/guide/{name}")

        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"

    def test_markdown_is_not_imported_before_the_first_page(self) -> None:
        program = "import app.api.application, sys; assert 'markdown_it' not in sys.modules"

        subprocess.run([sys.executable, "-c", program], check=True)

    def test_a_page_is_sent_as_markdown_as_well(self, anonymous: httpx2.Client) -> None:
        response = anonymous.get("/guide/data.md")

        assert response.headers["content-type"] == "text/markdown; charset=utf-8"
        assert response.text == (DOCS / "data.md").read_text()


class TestLlms:
    def test_it_names_every_guide_and_its_links_lead_somewhere(self, anonymous: httpx2.Client) -> None:
        text = anonymous.get("/llms.txt").text

        links = re.findall(r"\]\((/[^)]*)\)", text)
        assert [link for link in links if anonymous.get(link).status_code != 200] == []
        assert {f"/guide/{name}.md" for name in NAMES if "/" not in name and name != "index"} <= set(links)

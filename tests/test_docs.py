"""The README and the guides name only settings, make targets and files that exist; the changelog may name old ones."""

import re
from collections import Counter
from pathlib import Path

import pytest

from app.config import PREFIX, Settings
from tests.support.datasets import ROOT

CHANGELOG = ROOT / "app/docs/changelog.md"
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "app").rglob("*.md") if path != CHANGELOG and "node_modules" not in path.parts),
    *sorted((ROOT / "clients").glob("*/README.md")),
    ROOT / "infra/README.md",
    ROOT / "tests/README.md",
]
OTHER_SETTINGS = {"SERENDIP_DATA", "SERENDIP_URL", "SERENDIP_API_KEY"}
"""Read by tests, benchmarks and clients, not by the application."""
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
MOST_MODULES, MOST_LINES = 15, 300


def tree() -> str:
    """Return the table of all modules of `app` by folder, as app/README.md shows it."""
    folders: dict[str, list[str]] = {}
    for path in sorted((ROOT / "app").rglob("*.py")):
        if path.name != "__init__.py":
            folders.setdefault(str(path.parent.relative_to(ROOT)), []).append(path.stem)
    rows = [f"| `{folder}` | {', '.join(sorted(names))} |" for folder, names in sorted(folders.items())]
    return "\n".join(["| folder | modules |", "| --- | --- |", *rows])


class TestArchitecture:
    def test_every_module_stands_in_the_table_of_the_architecture(self) -> None:
        assert tree() in (ROOT / "app/README.md").read_text()

    def test_no_folder_holds_more_than_fifteen_modules(self) -> None:
        """Storage may: it has one module for each table."""
        modules = Counter(path.parent.relative_to(ROOT) for path in (ROOT / "app").rglob("*.py"))
        del modules[Path("app/storage")]

        assert {str(folder): number for folder, number in modules.items() if number > MOST_MODULES} == {}

    def test_every_module_fits_in_one_reading(self) -> None:
        lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / "app").rglob("*.py")}

        assert {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length >= MOST_LINES} == {}


class TestSecurityTable:
    def test_every_named_test_exists(self) -> None:
        page = (ROOT / "app/docs/access.md").read_text()
        rows = [line for line in page.splitlines() if re.match(r"\| \d+\. ", line)]

        assert len(rows) == 10
        assert all(NAMED_TEST.search(row) for row in rows)
        for path, name in NAMED_TEST.findall(page):
            assert re.search(rf"^ *(def|class) {name}\b", (ROOT / path).read_text(), re.MULTILINE), (path, name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
class TestPage:
    def test_every_setting_that_a_page_names_exists(self, page: Path) -> None:
        names = set(re.findall(rf"\b{PREFIX}[A-Z0-9_]+", page.read_text())) - OTHER_SETTINGS

        assert {name for name in names if name.removeprefix(PREFIX).lower() not in Settings.model_fields} == set()

    def test_every_make_target_that_a_page_names_exists(self, page: Path) -> None:
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        named = set(re.findall(r"(?:^ {4}|`)make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE))

        assert named - targets == set()

    def test_every_link_to_a_file_leads_to_one(self, page: Path) -> None:
        links = re.findall(r"\]\((?!https?:|#|/)([^)#]+)[^)]*\)", page.read_text())

        assert [link for link in links if not (page.parent / link).exists()] == []

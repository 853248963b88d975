"""The files of `shared/cases`: what people really have, imported through the command line and through a job."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.domain.access import Limits
from app.entry.local.dynamodb import Emulator
from app.wiring import Wired
from tests.support.builders import SECRET, wired_on
from tests.support.datasets import SHARED
from tests.support.importing import Import, Imported, by_command, by_job

CASES = SHARED.parent / "cases"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason=f"{CASES} not found (set SERENDIP_DATA)")


def at(year: int, month: int, day: int, *time: int) -> datetime:
    return datetime(year, month, day, *time, tzinfo=UTC)  # type: ignore[arg-type,misc]


@dataclass
class Case:
    """A file, and what is right for it."""

    succeeds: bool = True
    says: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    holds: Callable[[Imported], bool] = lambda _: True
    name: str = ""


def titles(imported: Imported) -> dict[str, str]:
    return {item_id: item.title for item_id, item in imported.items.items()}


def times(imported: Imported) -> set[datetime]:
    return {event.timestamp for event in imported.events}


def values(imported: Imported) -> dict[str, float]:
    return {event.item_id: event.value for event in imported.events}


def refused(*says: str, **options: Any) -> Case:
    """A file that is not loaded at all."""
    return Case(succeeds=False, says=says, options=options, holds=lambda imported: imported.is_empty)


BOTH_SESSIONS = {("u1", "1"), ("#session#s2", "2")}
READABLE_TIMES = {
    at(2026, 11, 1, 10),
    at(2026, 11, 1),
    at(2023, 11, 14, 22, 13, 20),
}
FILES: dict[str, Case] = {
    "ml-latest-small/ratings.csv": Case(holds=lambda i: {e.event_type for e in i.events} == {"rating"}),
    "ml-latest-small/movies.csv": Case(holds=lambda i: i.items["1"].categories == ("Adventure", "Animation")),
    "ml-latest-small/tags.csv": refused("holds tags by users"),
    "gb/ratings.csv": refused("user_id, book_id, rating", "item_id", "book_id"),
    "rated.csv": Case(
        holds=lambda i: {e.event_type for e in i.events} == {"rating"} and values(i) == {"1": 1, "2": 5},
        says=("all events are `rating`",),
    ),
    "spaces.csv": Case(holds=lambda i: i.pairs == {("u1", "1")} and not i.users),
    "twoids_items.csv": Case(
        options={"columns": {"item_id": "sku"}}, holds=lambda i: titles(i) == {"S-1": "Mug"}, says=("displaced",)
    ),
    "maptypo.csv": refused("'pirce'", "Did you mean 'price'?", columns={"value": "pirce"}),
    "openquote_items.csv": refused("line 2", "quote"),
    "openquote_events.csv": refused("line 2", "quote"),
    "huge_items.csv": Case(holds=lambda i: len(i.items["h2"].properties["description"]) == 140_000),
    "blank_events.csv": Case(holds=lambda i: i.pairs == {("u1", "1"), ("u2", "1")}),
    "onecol_items.csv": Case(holds=lambda i: set(i.items) == {"q1", "q2"}),
    "floatids_events.csv": Case(holds=lambda i: i.pairs == {("11", "1"), ("12", "2")}, says=("11.0 are read as 11",)),
    "floatids_items.csv": Case(holds=lambda i: titles(i) == {"1": "Red mug", "2": "Blue mug"}),
    "yyyymmdd_events.csv": Case(holds=lambda i: times(i) == {at(2026, 11, 1), at(2026, 11, 2)}),
    "times.csv": Case(
        succeeds=False,
        holds=lambda i: times(i) == READABLE_TIMES,
        says=("'11/01/2026'", "'45962.5'", "'2026'", "'0'", "'-1'", "'1_700_000_000'"),
    ),
    "ms.csv": Case(holds=lambda i: times(i) == {at(2021, 1, 1)}),
    "ms_events.parquet": Case(holds=lambda i: times(i) == {at(2026, 11, 28, 1, 1, 0, 123_000)}),
    "amazon2023.jsonl": Case(
        holds=lambda i: times(i) == {at(2020, 5, 5, 14, 8, 48, 923_000)} and values(i) == {"B00YQ6X8EO": 5}
    ),
    "values.csv": Case(
        succeeds=False,
        holds=lambda i: len(i.events) == 11 and not {"NULL", "nan", "u 1"} & {e.user_id for e in i.events},
        says=("'1,299.00'", "'12,50'", "'$9.99'", "'u 1'", "1e-13"),
    ),
    "decimal_items.parquet": Case(holds=lambda i: i.items["1"].properties == {"price": 9.99}),
    "decimal_events.parquet": Case(succeeds=False, holds=lambda i: i.pairs == {("1", "1"), ("3", "3")}),
    "date_events.parquet": Case(holds=lambda i: times(i) == {at(2026, 11, 1)}),
    "bytes_items.parquet": refused("thumb", "binary"),
    "inttitle_items.parquet": Case(
        holds=lambda i: titles(i) == {"d1": "1984", "d2": "2001"} and i.items["d1"].categories == ("7",)
    ),
    "category.csv": Case(holds=lambda i: i.items["c9"].categories == ("Kitchen",)),
    "many_cats.csv": refused("categories", "21 entries", "at most 20", "'tag0'"),
    "long_title.csv": Case(succeeds=False, holds=lambda i: set(i.items) == {"t2"}, says=("title", "1,001", "1,000")),
    "newline_title.csv": Case(
        succeeds=False, holds=lambda i: titles(i) == {"n3": "fine"}, says=("title", "line break", "Two")
    ),
    "a.tsv": Case(holds=lambda i: i.pairs == {("u", "i")}),
    "semi.csv": Case(holds=lambda i: i.pairs == {("u", "i")}),
    "latin1.csv": refused("line 2", "not UTF-8", "encoding"),
    "UPPER.CSV": Case(holds=lambda i: i.pairs == BOTH_SESSIONS),
    "both_events.csv.gz": Case(holds=lambda i: i.pairs == BOTH_SESSIONS),
    "ratings_ok.csv": Case(holds=lambda i: {e.event_type for e in i.events} == {"rating"}),
    "ratings_outlier.csv": Case(holds=lambda i: max(values(i).values()) <= 50),
    "personalize_interactions.csv": Case(
        holds=lambda i: [(e.event_type, e.timestamp) for e in i.events] == [("watch", at(2023, 11, 14, 22, 13, 20))]
    ),
    "personalize_items.csv": Case(holds=lambda i: i.items["1"].categories == ("Comedy", "Drama")),
    "empty.csv": refused("empty"),
    "empty_events.parquet": refused("no rows"),
    "nul.csv": refused("title", "control character"),
}
"""Each file of the folder and what is right for it."""
AGAIN = {"latin1.csv": Case(options={"encoding": "latin-1"}, holds=lambda i: titles(i) == {"l1": "Café"})}
"""Files that load with an option."""


@pytest.fixture(scope="module")
def shared(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    """The services of all tests of this module; each test has a project of its own."""
    files = str(tmp_path_factory.mktemp("files"))
    wired = wired_on(Settings(secret=SECRET, endpoint=emulator.endpoint, files=files, read_timeout_seconds=10))
    yield wired
    wired.close()


@pytest.fixture(params=["command", "job"])
def import_file(
    request: pytest.FixtureRequest,
    shared: Wired,
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Import:
    project = settings.project
    shared.services.projects.create(project, None, Limits())
    if request.param == "job":
        return lambda path, **options: by_job(shared, project, path, **options)
    return lambda path, *more, **options: by_command(shared, project, tmp_path, capsys, path, *more, **options)


def check(case: Case, imported: Imported) -> None:
    assert imported.succeeded is case.succeeds, imported.says
    for text in case.says:
        assert text in imported.says
    assert case.holds(imported), imported


class TestFiles:
    def test_every_file_has_a_case(self) -> None:
        files = {str(path.relative_to(CASES)) for path in CASES.rglob("*") if path.is_file()}

        assert files - FILES.keys() == {"README.md", "ml-latest-small/links.csv"}

    @pytest.mark.parametrize("name", FILES)
    def test_a_file_is_read_as_its_readme_says(self, import_file: Import, name: str) -> None:
        check(FILES[name], import_file(CASES / name, **FILES[name].options))

    @pytest.mark.parametrize("name", AGAIN)
    def test_a_file_loads_with_the_option_that_its_error_names(self, import_file: Import, name: str) -> None:
        check(AGAIN[name], import_file(CASES / name, **AGAIN[name].options))

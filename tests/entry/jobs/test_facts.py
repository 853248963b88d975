"""Imports add facts to items and users: what a file does not say stays as it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.domain.items import Item
from app.domain.jobs import ImportRequest, ImportSummary, JobState
from app.entry.jobs import slices
from app.entry.jobs.imports import ImportSteps
from app.services.jobs import UPLOAD, file_name
from app.wiring import Wired
from tests.support.builders import idle_on
from tests.support.files import written
from tests.support.importing import Imported, by_command, by_job

Run = Callable[..., Imported]
MOVIES = "item_id,title,category,year,price\n1,Alien,Horror,1979,5\n2,Brazil,Drama,1985,\n"


@pytest.fixture(params=["command", "job"])
def run(request: pytest.FixtureRequest, wired: Wired, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Imports the text of a file."""
    project, numbers = wired.services.settings.project, iter(range(100))
    (tmp_path / "cwd").mkdir()

    def running(text: str, **options: Any) -> Imported:
        path = written(tmp_path, f"file{next(numbers)}.csv", text)
        if request.param == "job":
            return by_job(wired, project, path, **options)
        return by_command(wired, project, tmp_path / "cwd", capsys, path, **options)

    return running


def facts(item: Item) -> tuple[Any, ...]:
    return item.title, item.categories, dict(item.properties), item.hidden


def says(imported: Imported, command: str, job: str) -> bool:
    """Whether the summary of the command or of the job says something, each in its words."""
    return command in imported.says or job in imported.says


class TestMerge:
    def test_a_later_file_adds_its_columns_and_empty_cells_change_nothing(self, run: Run) -> None:
        run(MOVIES)

        imported = run("item_id,price,title\n1,7.5,\n2,3,Brazil (1985)\n")

        assert {item_id: facts(item) for item_id, item in imported.items.items()} == {
            "1": ("Alien", ("Horror",), {"year": 1979, "price": 7.5}, False),
            "2": ("Brazil (1985)", ("Drama",), {"year": 1985, "price": 3}, False),
        }

    @pytest.mark.parametrize(("cell", "is_hidden"), [(None, True), ("", True), ("false", False)])
    def test_only_a_cell_shows_a_hidden_item_again(
        self, run: Run, wired: Wired, cell: str | None, *, is_hidden: bool
    ) -> None:
        wired.services.items.put(wired.services.settings.project, Item("1", "Alien", hidden=True))
        columns = ("item_id,title", "1,New title") if cell is None else ("item_id,title,hidden", f"1,New title,{cell}")

        imported = run("\n".join(columns) + "\n")

        assert (imported.items["1"].title, imported.items["1"].hidden) == ("New title", is_hidden)

    def test_a_file_whose_facts_are_all_stored_changes_nothing(self, run: Run) -> None:
        run(MOVIES)
        before = run("item_id,price\n1,7.5\n").items

        again = run("item_id,title\n1,Alien\n2,Brazil\n")

        assert says(again, "nothing loaded, 2 unchanged", "loaded=0, unchanged=2")
        assert again.items == before

    def test_properties_of_users_are_merged_too(self, run: Run, wired: Wired) -> None:
        run("user_id,plan\nann,paid\n", records="users")

        run("user_id,country\nann,NL\n", records="users")

        ann = wired.services.users.get(wired.services.settings.project, "ann")
        assert ann.properties == {"plan": "paid", "country": "NL"}


REPEATED = "item_id,title,price\na,A,1\nb,B,1\na,,2\na,A,2\nb,B,1\na,Ä,\n"
"""Item a has four rows, of which one adds nothing; b has two equal ones."""
LAST = {"a": ("Ä", (), {"price": 2}, False), "b": ("B", (), {"price": 1}, False)}


class TestRepeatedRows:
    def test_the_last_fact_of_each_column_counts_and_the_summary_says_how_many_rows_repeat(self, run: Run) -> None:
        imported = run(REPEATED)

        assert {item_id: facts(item) for item_id, item in imported.items.items()} == LAST
        assert says(imported, "2 items loaded, 2 unchanged", "loaded=4, unchanged=2")
        assert says(imported, "4 rows repeat an item", "repeated=4")

    def test_a_dry_run_counts_them_too(self, wired: Wired, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        folder = tmp_path / "cwd"
        folder.mkdir()
        path = written(tmp_path, "file.csv", REPEATED)

        imported = by_command(wired, wired.services.settings.project, folder, capsys, path, "--dry-run")

        assert "2 items loaded, 2 unchanged" in imported.says
        assert "4 rows repeat an item" in imported.says

    def test_a_file_with_repeated_rows_changes_nothing_the_second_time(self, run: Run) -> None:
        before = run(REPEATED).items

        again = run(REPEATED)

        assert says(again, "nothing loaded, 6 unchanged", "loaded=0, unchanged=6")
        assert again.items == before


class TestSteps:
    def test_steps_that_are_repeated_by_other_processes_give_the_same_summary(
        self, wired: Wired, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        services = idle_on(wired.services.settings).services
        project = services.settings.project
        monkeypatch.setattr(slices, "SLICE_ROWS", 2)
        monkeypatch.setattr(services.events, "batch_size", 2)

        def worked(prefix: str, *, disturbed: bool) -> ImportSummary | None:
            job = services.jobs.create(project, ImportRequest())
            content = REPEATED.replace("\na,", f"\n{prefix}a,").replace("\nb,", f"\n{prefix}b,")
            services.jobs.objects.write(file_name(project, job, UPLOAD), content.encode())
            job = services.jobs.begin(project, job.job_id)
            while job.state is JobState.RUNNING:
                if disturbed:
                    ImportSteps(services, project).step(job)  # this process is killed before its checkpoint
                job = ImportSteps(services, project).step(job)
            assert {name: facts(services.items.get(project, prefix + name)) for name in LAST} == LAST
            return job.summary

        summary = worked("calm-", disturbed=False)

        assert summary is not None
        assert (summary.loaded, summary.unchanged, summary.repeated, summary.records) == (5, 1, 4, {"items": 2})
        assert worked("disturbed-", disturbed=True) == summary

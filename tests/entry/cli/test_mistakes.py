"""A mistake of the user is answered by one sentence and an exit code, never by a traceback."""

import errno
import shlex
from pathlib import Path

import pytest

from app.config import Settings
from app.entry.cli import main, mistakes
from app.entry.local import disk
from app.storage.admin.schema import TableCheck
from app.wiring import Wired
from tests.support.builders import SECRET


@pytest.fixture
def folder(wired: Wired, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the command line, which works on the test's project."""
    assert TableCheck(wired.database).missing() == []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SERENDIP_ENDPOINT", str(settings.endpoint))
    monkeypatch.setenv("SERENDIP_SECRET", SECRET.get_secret_value())
    monkeypatch.setenv("SERENDIP_PROJECT", settings.project)
    (tmp_path / "here").mkdir()
    (tmp_path / "rows.csv").write_text("user_id,item_id\nann,tea\n")
    return tmp_path


MISTAKES = {
    "serve --port 99999": "65535",
    "serve --port eighty": "--port",
    "serve --data nowhere.csv": "nowhere.csv does not exist",
    "import": "with --undo",
    "import rows.csv --undo i1": "with --undo",
    "import nowhere.csv": "nowhere.csv does not exist",
    "import rows.csv --kind people": "people",
    "import rows.csv --map sku": "sku",
    "export events nowhere/events.jsonl": "The folder nowhere does not exist",
    "export events here": "here is a folder",
    "export people out.jsonl": "people",
    "evaluate nowhere.csv": "nowhere.csv does not exist",
    "evaluate rows.csv --test nowhere.csv": "nowhere.csv does not exist",
    "evaluate rows.csv --holdout odd": "odd",
    "evaluate rows.csv --config odd": "odd",
    "train": "Send more events",
    "train --spark nowhere.parquet": "nowhere.parquet does not exist",
    "train --master local[*]": "--master needs --spark",
    "recommend ann --limit 0": "--limit",
    "recommend a/b": "'a/b' is not a valid id",
    "recommend ''": "'' is not a valid id",
    "jobs work nope": "There is no such job",
    "models activate nope": "no such model version",
    "models cancel nope": "no such model version",
    "keys create app --scope everything": "everything",
    "keys create app": "Missing option",
    "keys revoke nope": "does not exist",
    "keys rotate nope": "does not exist",
    "projects create a/b": "a/b",
    "projects delete nope": "Project nope does not exist",
    "backup": "bucket",
    "backup --json": "--list",
    "restore nope": "bucket",
    "openapi --function nope": "ARN",
    "cost --events -1": "--events",
    "cost --events nan": "--events",
    "cost --years inf": "finite",
    "nonsense": "nonsense",
    "jobs nonsense": "nonsense",
    "train --nonsense": "--nonsense",
}


@pytest.mark.usefixtures("folder")
class TestMistakes:
    @pytest.mark.parametrize("command", MISTAKES)
    def test_a_mistake_is_answered_by_a_sentence_that_names_it(
        self, capsys: pytest.CaptureFixture[str], command: str
    ) -> None:
        code = main.run(shlex.split(command))

        printed = capsys.readouterr()
        assert code in {1, 2}
        assert MISTAKES[command] in printed.err
        assert "Traceback" not in printed.err

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("SERENDIP_SECRET", "short", "SERENDIP_SECRET: "),
            ("SERENDIP_READ_TIMEOUT_SECONDS", "soon", "SERENDIP_READ_TIMEOUT_SECONDS: "),
            ("SERENDIP_COLOR", "red", "SERENDIP_COLOR: "),
            ("SERENDIP_ISSUERS", "[", "SERENDIP_ISSUERS: "),
            ("SERENDIP_ENDPOINT", "nowhere", "SERENDIP_ENDPOINT: "),
            ("SERENDIP_PROJECT", "a/b", "SERENDIP_PROJECT: "),
            ("SERENDIP_EVENT_DAYS", "5", "SERENDIP_EVENT_DAYS: must be at least 37: popular lists count"),
        ],
    )
    def test_an_invalid_setting_is_named(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        value: str,
        says: str,
    ) -> None:
        monkeypatch.setenv(name, value)

        assert main.run(["models", "list"]) == 1

        assert says in capsys.readouterr().err

    @pytest.mark.parametrize(
        "command",
        [
            "import rows.csv",
            "events delete --user ann",
            "models list",
            "imports",
            "keys list",
            "keys create app --scope admin",
            "stream failures",
            "stream retry",
            "cost --used-days 3",
        ],
    )
    def test_a_project_that_does_not_exist_is_named_and_stores_nothing(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        wired: Wired,
        settings: Settings,
        command: str,
    ) -> None:
        mistyped = f"{settings.project}x"
        monkeypatch.setenv("SERENDIP_PROJECT", mistyped)

        assert main.run(command.split()) == 1

        assert f"There is no project '{mistyped}'" in capsys.readouterr().err
        assert wired.services.events.list_page(mistyped, "ann", None, 10).records == ()


class TestSentence:
    def test_a_full_disk_is_reported_as_such(self, tmp_path: Path) -> None:
        error = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "events.jsonl.part"))

        assert mistakes.sentence(error) == (
            f"The disk that holds {tmp_path} is full. Free some space. Then run the command again."
        )

    def test_the_full_disk_is_that_of_the_current_folder_if_the_system_names_no_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(disk, "LEAST_BYTES", 2**80)

        sentence = mistakes.sentence(OSError(errno.ENOSPC, "No space left on device"))

        assert sentence == f"The disk that holds {tmp_path} is full. Free some space. Then run the command again."

    def test_errors_of_files_name_the_file(self, tmp_path: Path) -> None:
        missing = tmp_path / "missing"
        with pytest.raises(OSError, match="missing") as caught:
            missing.read_text()

        assert mistakes.sentence(caught.value) == f"{missing}: no such file or directory."

    def test_a_fault_of_the_program_keeps_its_traceback(self) -> None:
        assert mistakes.sentence(KeyError("item_id")) is None

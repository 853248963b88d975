"""Run the command line in this process, because starting one takes a second."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from app.config import Settings
from app.entry.cli import main
from tests.support.builders import SECRET


@dataclass(frozen=True)
class Ended:
    """A command's exit code and what it printed."""

    code: int
    out: str
    err: str


def command(capsys: pytest.CaptureFixture[str], folder: Path, variables: dict[str, str], *arguments: object) -> Ended:
    """Runs a command in a folder, with environment variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        code = main.run([str(argument) for argument in arguments])
    return Ended(code, *capsys.readouterr())


def environment(settings: Settings, project: str) -> dict[str, str]:
    return {
        "SERENDIP_ENDPOINT": str(settings.endpoint),
        "SERENDIP_SECRET": SECRET.get_secret_value(),
        "SERENDIP_PROJECT": project,
        "COLUMNS": "400",
    }

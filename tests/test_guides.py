"""The calls and programs that the README and the guides show succeed as they are, one page after the other."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.config import Settings
from app.domain.access import Scope
from app.entry.local import sample_shop
from app.entry.local.dynamodb import Emulator
from tests.support.api_calls import train
from tests.support.builders import SECRET, a_project, client_of, wired_on
from tests.support.datasets import ROOT
from tests.support.server_process import JOBS, running

PAGES = [ROOT / "README.md", *sorted((ROOT / "app" / "docs").glob("*.md"))]
NOTEBOOK = ROOT / "app" / "docs" / "evaluation.ipynb"
CALL = re.compile(r"(\w+=\$\()?curl ")
# Every refusal ends the page. JOB and UPLOAD_URL are those of the last response that has them.
SHELL = r"""
set -euo pipefail
curl() {
  local answer
  answer=$(command curl -sS --fail-with-body "$@") || { echo "curl $*: $answer" >&2; return 1; }
  echo "$answer"
  JOB=$(sed -n 's/.*"job_id":"\([^"]*\)".*/\1/p' <<< "$answer" | grep . || echo "${JOB:-}")
  UPLOAD_URL=$(sed -n 's/.*"upload_url":"\([^"]*\)".*/\1/p' <<< "$answer" | grep . || echo "${UPLOAD_URL:-}")
}
"""


def calls(page: Path) -> list[str]:
    """Returns the commands of a page's code blocks that call the API."""
    commands: list[str] = []
    for block in re.findall(r"(?:^ {4}.*\n)+", page.read_text(), re.MULTILINE):
        command = ""
        for line in block.splitlines():
            command += line.removeprefix("    ") + "\n"
            is_complete = command.count("'") % 2 == 0 and not line.endswith("\\")
            if is_complete:
                commands.append(command)
                command = ""
    return [command for command in commands if CALL.match(command)]


def program(page: Path) -> str:
    """Returns a page's code blocks in Python, which follow each other."""
    return "\n".join(re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def shop(
    spare_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """A server with two model versions: its address, a key, and what to write instead of the ids in the pages."""
    files = str(tmp_path_factory.mktemp("files"))
    settings = Settings(
        secret=SECRET,
        endpoint=spare_emulator.endpoint,
        files=files,
        project="guides",
        table_prefix="guides-",
        read_timeout_seconds=10,
    )
    wired = wired_on(settings)
    key = a_project(wired, settings.project)
    client = client_of(wired, key)
    train(client)
    client.post("/v1/models").raise_for_status()
    first, second = (version["version"] for version in client.get("/v1/models").json()["versions"])
    page_key, _ = wired.services.keys.create(settings.project, "page", frozenset({Scope.RECOMMEND, Scope.OWN_EVENTS}))
    names = {
        "v20261124T101500123456-a1b2": first,
        "v20261125T101500123456-c3d4": second,
        "<the 12 characters after sk_ of the key `page`>": page_key.key_id,
    }
    with running(settings, settings.project, mode=JOBS) as server:
        yield server.base, key, names
    wired.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
class TestCalls:
    @pytest.mark.parametrize("page", [page for page in PAGES if calls(page)], ids=lambda page: page.stem)
    def test_they_succeed(self, page: Path, shop: tuple[str, str, dict[str, str]], tmp_path: Path) -> None:
        base, key, names = shop
        script = SHELL + "".join(calls(page))
        for name, value in names.items():
            script = script.replace(name, value)
        (tmp_path / "items.csv").write_text("sku,title\ntea,Tea\n")

        done = subprocess.run(
            ["/bin/bash", "-c", script.replace(" | python3 -m json.tool", "")],
            env={**os.environ, "URL": base, "KEY": key},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stderr

    def test_they_are_found(self) -> None:
        """So that a page in another form does not go untested."""
        shown = sum(len(re.findall(r"^ {4}(?:\w+=\$\()?curl ", page.read_text(), re.MULTILINE)) for page in PAGES)

        assert sum(len(calls(page)) for page in PAGES) == shown > 10


class TestPrograms:
    @pytest.mark.parametrize("page", [page for page in PAGES if program(page)], ids=lambda page: page.stem)
    def test_they_succeed(
        self,
        page: Path,
        shop: tuple[str, str, dict[str, str]],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        base, key, _ = shop
        monkeypatch.setenv("SERENDIP_URL", base)
        monkeypatch.setenv("SERENDIP_API_KEY", key)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "items.csv").write_text("sku,title\ntea,Tea\n")

        names: dict[str, Any] = {}
        exec(compile(program(page), page.name, "exec"), names)  # noqa: S102 - our own pages
        names["client"].close()


class TestNotebook:
    def test_it_evaluates_the_sample_and_plots(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("MPLBACKEND", "agg")
        monkeypatch.setattr(sample_shop, "USERS", 100)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        cells = [cell for cell in orjson.loads(NOTEBOOK.read_bytes())["cells"] if cell["cell_type"] == "code"]
        names: dict[str, Any] = {}

        for cell in cells:
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)  # noqa: S102 - our own notebook

        plots = names["plt"].get_fignums()
        names["plt"].close("all")
        assert len(plots) == 3
        assert names["report"]["metrics"]["ndcg"] > names["report"]["popularity"]["ndcg"]
        assert "ndcg, new users" in capsys.readouterr().out
        assert [cell["outputs"] for cell in cells] == [[]] * len(cells), "store it without outputs"

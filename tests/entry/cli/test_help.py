"""Help is fast, because commands load the rest of the application only when they run."""

import os

import orjson

from tests.support import programs

CODE = """
import contextlib, io, json, sys
from app.entry.cli.main import cli, run
import typer

def commands(group, words=()):
    yield words
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*words, name))

texts = {}
for words in list(commands(typer.main.get_command(cli))):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        assert run([*words, "--help"]) == 0, words
    texts[" ".join(words)] = text.getvalue()
print(json.dumps({"texts": texts, "modules": list(sys.modules)}))
"""
HEAVY = {"botocore", "fastapi", "numpy", "opentelemetry", "psutil", "pyarrow", "pynamodb", "uvicorn"}
LIGHT = ("app", "app.clock", "app.deadline", "app.domain", "app.entry", "app.errors", "app.heartbeat", "app.prices")
"""Modules of ours that load nothing heavy."""
MOST_MODULES = 500
LISTS = {
    "models list",
    "event-types list",
    "projects list",
    "keys list",
    "jobs list",
    "imports",
    "stream failures",
    "backup",
}


class TestHelp:
    def test_the_help_of_all_commands_loads_neither_the_application_nor_large_libraries(self) -> None:
        printed = orjson.loads(programs.last_line(programs.python(CODE, {**os.environ, "COLUMNS": "120"})))

        loaded, texts = set(printed["modules"]), printed["texts"]
        assert not HEAVY & loaded
        ours = {name for name in loaded if name.partition(".")[0] == "app"}
        assert {name for name in ours if not f"{name}.".startswith(tuple(f"{light}." for light in LIGHT))} == set()
        assert not {"app.entry.local.environment", "app.entry.jobs.worker"} & ours
        assert len(loaded) < MOST_MODULES
        assert len(texts) > 20
        assert all("Usage: serendip" in text for text in texts.values())
        assert {command for command in LISTS if "--json" not in texts[command]} == set()

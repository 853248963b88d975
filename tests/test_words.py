"""The project is written in plain words, and names say what their values are."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VAGUE_NAMES = {"one", "found", "known", "given", "told", "asked"}
MOST_VAGUE_NAMES = 10
MOST_USES = {
    r"\bof (which|whom|whose)\b": 5,
    r"\b(somebody|nobody|anybody)\b": 10,
    r"\b(he|his|him)\b": 0,
    r"\banew\b": 0,
    r"\bmend": 0,
}


def sources() -> list[Path]:
    paths = [path for folder in ("app", "infra", "tests") for path in (ROOT / folder).rglob("*.py")]
    guides = [ROOT / "README.md", *(ROOT / "app" / "docs").glob("*.md")]
    return [path for path in (*paths, *guides) if path != Path(__file__)]


def vague_names(path: Path) -> Iterator[str]:
    """Return each variable or parameter of a module whose name does not say what it is."""
    for node in ast.walk(ast.parse(path.read_text())):
        stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        name = node.id if isinstance(node, ast.Name) and stored else node.arg if isinstance(node, ast.arg) else ""
        if name.strip("_") in VAGUE_NAMES:
            yield f"{path.relative_to(ROOT)}: {name}"


class TestWords:
    @pytest.mark.parametrize("pattern", MOST_USES)
    def test_archaic_words_are_rare(self, pattern: str) -> None:
        uses = [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
            for path in sources()
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if re.search(pattern, line, re.IGNORECASE)
        ]

        assert len(uses) <= MOST_USES[pattern], "\n".join(uses)

    def test_vague_names_are_rare(self) -> None:
        names = [name for path in sources() if path.suffix == ".py" for name in vague_names(path)]

        assert len(names) <= MOST_VAGUE_NAMES, "\n".join(names)

"""The structure of the tests themselves."""

import ast
from pathlib import Path

TESTS = Path(__file__).parent


def imported(module: Path) -> set[str]:
    """Return the full names that a module imports from others."""
    imports = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ImportFrom)]
    return {f"{node.module}.{alias.name}" for node in imports for alias in node.names}


class TestImports:
    def test_no_test_module_imports_another(self) -> None:
        imports = {name for module in TESTS.rglob("*.py") for name in imported(module)}
        modules = {".".join(path.relative_to(TESTS.parent).with_suffix("").parts) for path in TESTS.rglob("test_*.py")}

        assert {name for name in imports if name in modules or name.rpartition(".")[0] in modules} == set()

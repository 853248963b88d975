"""The packages of the zip flavour: for Lambda's machine, within its limit, equal when nothing changed."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra import packages
from infra.packages import EVERYTHING, PACKAGES, SERVING, TRAINING, Unpackable, build
from tests.support.cloud import PYTHON
from tests.support.datasets import ROOT
from tests.support.deployment_checks import FULL

ARM64 = bytes.fromhex("b700")
"""ELF machine number of arm64, at byte 18."""
LAPTOP = {"psutil", "pyarrow", "rich", "typer", "uvicorn", "uvloop", "websockets"}


@pytest.mark.skipif(not FULL, reason="part of make deploy-check")
class TestPackages:
    @pytest.mark.parametrize("name", PACKAGES)
    def test_packages_have_arm64_modules_and_what_functions_load(self, name: str, tmp_path: Path) -> None:
        archive = build(tmp_path / "made", PACKAGES[name])

        with ZipFile(archive) as opened:
            names = opened.namelist()
            compiled = [name for name in names if re.search(r"\.so(\.\d+)*$", name)]
            assert {opened.read(name)[18:20] for name in compiled} == {ARM64}
            assert sum(file.file_size for file in opened.infolist()) <= packages.LIMIT_BYTES
        assert "app/entry/aws/handler.py" in names
        assert not {name.split("/")[0] for name in names} & LAPTOP
        assert any(file.startswith("numpy/") for file in names) == (name in {TRAINING, EVERYTHING})
        assert any(file.startswith("cel_expr_python/") for file in names) == (name in {SERVING, EVERYTHING})
        assert not [name for name in names if "/tests/" in name or name.startswith("bin/")]

    def test_equal_content_has_an_equal_name(self, tmp_path: Path) -> None:
        first, second = (build(tmp_path / name, PACKAGES[SERVING]) for name in ("first", "second"))

        assert first.name == second.name


TRAINING_IN_TREE = """
import sys
from datetime import UTC, datetime, timedelta
import app.entry.aws.dispatch, app.entry.aws.websocket, app.entry.jobs.worker
from app.domain.events import Event
from app.recommender.fit.learn import learn
from app.recommender.rules import Kind, compiled

noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
events = [
    Event(f"u{user}", f"i{item}", "view", noon + timedelta(minutes=item + user % 3), f"e{item}")
    for user in range(40)
    for item in range(user % 2, 12, 2)
    if (user + item) % 5
]
print(len(dict(learn(events, neighbors=10, memory_bytes=2**30, report=lambda *_: None).packed_rows())))
print(compiled(Kind.FILTER, "item.id.lowerAscii() != 'x' && size(item.categories) > 0") is not None)
print(sorted({name.split(".")[1] for name in sys.modules if name.startswith("scipy.")}))
"""


@pytest.mark.skipif(not FULL, reason="part of make deploy-check")
class TestUnloaded:
    """What packages leave out of libraries is what the functions never load."""

    @pytest.mark.parametrize("python", sorted({PYTHON, packages.PYTHON}))
    def test_a_training_and_a_filter_run_from_the_package_alone(self, python: str, tmp_path: Path) -> None:
        interpreter = shutil.which(f"python{python}")
        if interpreter is None or subprocess.run([interpreter, "--version"], check=False).returncode:
            pytest.skip(f"needs Python {python}")
        build(tmp_path / "made", PACKAGES[EVERYTHING], python, None, level=1)

        code = f"import sys; sys.path.insert(0, {str(tmp_path / 'made' / 'tree')!r}){TRAINING_IN_TREE}"
        done = subprocess.run([interpreter, "-I", "-S", "-c", code], check=False, capture_output=True, text=True)

        assert done.returncode == 0, done.stderr
        rows, is_compiled, loaded = done.stdout.splitlines()
        assert (rows, is_compiled) == ("12", "True")
        assert {"linalg", "sparse"} <= set(ast.literal_eval(loaded))

    def test_the_tests_of_trainings_and_expressions_pass_with_its_libraries(self, tmp_path: Path) -> None:
        build(tmp_path / "made", PACKAGES[EVERYTHING], PYTHON, None, level=1)
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path / 'made' / 'tree'}:{ROOT}"}
        missing = [sys.executable, "-c", "import scipy.special"]
        tests = [*("-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "--ignore-glob", "*spark*")]
        names = ["tests/recommender/fit", "tests/recommender/test_rules.py", "tests/recommender/test_content.py"]

        refused = subprocess.run(missing, check=False, capture_output=True, text=True, env=environment, cwd=ROOT)
        done = subprocess.run(
            [sys.executable, *tests, *names], check=False, capture_output=True, text=True, env=environment, cwd=ROOT
        )

        assert "No module named 'scipy.special'" in refused.stderr
        assert done.returncode == 0, done.stdout[-3_000:]


class TestFaults:
    def test_a_package_over_the_limit_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(packages, "LIMIT_BYTES", 1_000)

        with pytest.raises(Unpackable, match="limit is 1,000"):
            build(tmp_path / "made", PACKAGES[SERVING])

    def test_a_platform_without_wheels_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Unpackable, match="wheel"):
            build(tmp_path / "made", PACKAGES[SERVING], platform="riscv64-unknown-linux")

    def test_an_unknown_stage_is_reported_with_the_existing_ones(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "infra.deploy", "deploy", "--stage", "nowhere"],
            check=False,
            capture_output=True,
            text=True,
            env={"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "n", "AWS_SECRET_ACCESS_KEY": "n"},
            cwd=ROOT,
        )

        assert done.returncode == 1
        assert "Stages: dev, prod" in done.stderr
        assert "Traceback" not in done.stderr

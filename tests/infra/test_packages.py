"""The packages of the zip flavour: for Lambda's machine, within its limit, equal when nothing changed."""

import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra import packages
from infra.packages import SERVING, TRAINING, Contents, Unpackable, build
from tests.support.datasets import ROOT
from tests.support.deployment_checks import FULL

ARM64 = bytes.fromhex("b700")
"""ELF machine number of arm64, at byte 18."""
LAPTOP = {"psutil", "pyarrow", "rich", "typer", "uvicorn", "uvloop", "websockets"}


@pytest.mark.skipif(not FULL, reason="part of make deploy-check")
class TestPackages:
    @pytest.mark.parametrize("contents", [SERVING, TRAINING], ids=["serving", "training"])
    def test_packages_have_arm64_modules_and_what_functions_load(self, contents: Contents, tmp_path: Path) -> None:
        archive = build(tmp_path / "made", contents)

        with ZipFile(archive) as opened:
            names = opened.namelist()
            compiled = [name for name in names if re.search(r"\.so(\.\d+)*$", name)]
            assert {opened.read(name)[18:20] for name in compiled} == {ARM64}
            assert sum(file.file_size for file in opened.infolist()) <= packages.LIMIT_BYTES
        assert "app/entry/aws/handler.py" in names
        assert not {name.split("/")[0] for name in names} & LAPTOP
        assert any(name.startswith("numpy/") for name in names) == (contents is TRAINING)
        assert any(name.startswith("cel_expr_python/") for name in names) == (contents is SERVING)
        assert not [name for name in names if "/tests/" in name or name.startswith("bin/")]

    def test_equal_content_has_an_equal_name(self, tmp_path: Path) -> None:
        first, second = (build(tmp_path / name, SERVING) for name in ("first", "second"))

        assert first.name == second.name


class TestFaults:
    def test_a_package_over_the_limit_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(packages, "LIMIT_BYTES", 1_000)

        with pytest.raises(Unpackable, match="limit is 1,000"):
            build(tmp_path / "made", SERVING)

    def test_a_platform_without_wheels_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Unpackable, match="wheel"):
            build(tmp_path / "made", SERVING, platform="riscv64-unknown-linux")

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

"""The zip flavour: the application and its dependencies, packed for Lambda's own Python."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON = "3.13"
PLATFORM = "aarch64-manylinux_2_34"  # Amazon Linux 2023 on arm64
LIMIT_BYTES = 262_144_000
"""Lambda's limit for an unpacked package."""
SERVICES = {"dynamodb", "ecs", "lambda", "s3", "apigatewaymanagementapi"}
"""AWS services whose descriptions botocore needs at run time."""
SERVING, TRAINING, EVERYTHING = "serving", "training", "everything"
OLDEST = (1980, 1, 1, 0, 0, 0)
"""Timestamp of every archived file, so that equal content gives equal archives."""


@dataclass(frozen=True)
class Contents:
    """What a package leaves out of the application's dependencies."""

    excludes: tuple[str, ...]
    """Files that name dependencies which are not installed."""
    without: tuple[str, ...] = ()
    """Modules that these functions never load."""


SCIPY_UNLOADED = tuple(
    f"scipy/{part}"
    for part in (
        *("cluster", "constants", "datasets", "differentiate", "fft", "fftpack", "integrate", "interpolate", "io"),
        *("ndimage", "odr", "optimize", "signal", "spatial", "special", "stats"),
    )
)
"""Parts that neither scipy.sparse nor scipy.linalg loads, which are all that trainings use: 61 of 86 MB."""
CEL_UNLOADED = "cel_expr_python/ext"
"""Functions that expressions could have besides those of the language: 37 MB."""
PACKAGES: Mapping[str, Contents] = {
    SERVING: Contents(("not-in-aws.txt", "not-in-zip.txt", "not-serving.txt"), without=(CEL_UNLOADED,)),
    TRAINING: Contents(
        ("not-in-aws.txt", "not-in-zip.txt"),
        without=(*SCIPY_UNLOADED, "cel_expr_python", "re2"),  # only requests evaluate filters and boosts
    ),
    EVERYTHING: Contents(("not-in-aws.txt", "not-in-zip.txt"), without=(*SCIPY_UNLOADED, CEL_UNLOADED)),
}


class Unpackable(Exception):
    """The package cannot be built; the message says why."""


def build(
    folder: Path,
    contents: Contents,
    python: str = PYTHON,
    platform: str | None = PLATFORM,
    level: int = 6,
) -> Path:
    """Builds an archive for Lambda in the folder; equal content gives an equal name.

    Args:
        folder: output folder, emptied first.
        contents: dependencies to leave out.
        python: version of Lambda's runtime.
        platform: uv's name of the platform, or None for this machine.
        level: zlib's compression level, 1 (fast) to 9 (small).

    Raises:
        Unpackable: a dependency has no wheel for the platform, or the package exceeds Lambda's limit.
    """
    shutil.rmtree(folder, ignore_errors=True)
    tree = folder / "tree"
    _uv("build", "--wheel", "--out-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    target = ["--target", str(tree), "--python-version", python]
    target += ["--python-platform", platform] if platform else []
    locked = ["--only-binary", ":all:", "--constraint", str(ROOT / "requirements.lock")]
    excludes = [part for name in contents.excludes for part in ("--excludes", str(ROOT / "infra" / name))]
    _uv("pip", "install", "--python", sys.executable, *target, *locked, *excludes, f"{wheel}[tracing]")
    prune(tree, contents.without)
    compiled = _compile(tree, python)
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
    if size > LIMIT_BYTES:
        raise Unpackable(f"The package has {size:,} bytes, Lambda's limit is {LIMIT_BYTES:,}.")
    archive = _archive(tree, folder, level)
    print(f"  {archive.name}: {size / 1e6:.0f} MB, {archive.stat().st_size / 1e6:.0f} MB packed")
    if not compiled:
        print(f"  Not byte-compiled: python{python} was not found. Cold starts take twice as long.")
    return archive


def _uv(*arguments: str) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("uv")), "--quiet", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    if done.returncode:
        raise Unpackable(done.stderr.strip())


def prune(tree: Path, without: Sequence[str] = ()) -> None:
    """Removes what no function loads: tests, service descriptions, files for compilers and installers."""
    for path in (tree / "botocore" / "data").iterdir():
        if path.is_dir() and path.name not in SERVICES:
            shutil.rmtree(path)
    for pattern in ("**/tests", "bin", "bazel-project", "pyarrow/include", *without):
        for path in sorted(tree.glob(pattern)):
            shutil.rmtree(path, ignore_errors=True)
    for pattern in (
        "**/*.pyi",
        "**/*.pxd",
        "**/*.a",
        "pyarrow/*flight*",
        "*.dist-info/RECORD",
        "*.dist-info/*.json",
        ".lock",
    ):
        for path in tree.glob(pattern):
            path.unlink()


def _compile(tree: Path, python: str) -> bool:
    """Byte-compile with Lambda's Python version if it is installed: Lambda cannot keep bytecode it compiles itself."""
    interpreter = shutil.which(f"python{python}")
    if interpreter is None or subprocess.run([interpreter, "--version"], check=False, capture_output=True).returncode:
        return False  # pyenv leaves shims for versions that are not installed
    compiling = [interpreter, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "."]
    subprocess.run(compiling, check=True, cwd=tree, env={**os.environ, "PYTHONHASHSEED": "0"})
    return True


def _archive(tree: Path, folder: Path, level: int) -> Path:
    digest = hashlib.sha256()
    unnamed = folder / "package.zip"
    with zipfile.ZipFile(unnamed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(tree.rglob("*")):
            if path.is_file():
                name, content = path.relative_to(tree).as_posix(), path.read_bytes()
                digest.update(name.encode() + b"\0" + content)
                entry = zipfile.ZipInfo(name, OLDEST)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, content, compresslevel=level)
    return unnamed.rename(folder / f"{digest.hexdigest()[:16]}.zip")


if __name__ == "__main__":  # called by the Dockerfile
    prune(Path(sys.argv[1]))

"""The Dockerfile's steps, run by buildah on this machine's Python and tools, as no base image can be pulled."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from app.entry.local.dynamodb import free_port
from tests.support.builders import until
from tests.support.datasets import ROOT
from tests.support.deployment_checks import FULL

BUILDAH = shutil.which("buildah")
TOOLS = ("sh", "chown", "du", "env", "cp", "mkdir", "rm", "id", "ls")
TASK_ROOT = "/var/task"
BASE, IMAGE, SERVER = (f"localhost/serendip-{name}" for name in ("base", "check", "server"))
ENVIRONMENT = {**os.environ, "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}
PROGRAMS = "/opt/serendip/"
"""Where the image's Python and Java are."""

pytestmark = [
    pytest.mark.skipif(not FULL, reason="part of make deploy-check"),
    pytest.mark.skipif(
        BUILDAH is None or os.geteuid() != 0, reason="buildah (apt install buildah) and root are needed"
    ),
]


def buildah(*arguments: str) -> str:
    done = subprocess.run(
        [str(BUILDAH), *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def libraries(program: Path) -> set[Path]:
    """Return the shared libraries that a program or module loads."""
    output = subprocess.run(
        [str(shutil.which("ldd")), str(program)], check=False, capture_output=True, text=True
    ).stdout
    return {Path(path) for path in re.findall(r"(/\S+) \(0x", output)}


def root_file_system(folder: Path) -> None:
    """A root file system with a shell, a few tools and Python, and their libraries."""
    home = Path(sys.base_prefix)
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    ignored = shutil.ignore_patterns("site-packages", "test", "__pycache__", "*.a", "idlelib", "tkinter")
    shutil.copytree(home / "lib" / python, folder / "usr/local/lib" / python, ignore=ignored, symlinks=True)
    packages = folder / "usr/local/lib" / python / "site-packages"
    for name in ("pip", "setuptools"):
        shutil.copytree(home / "lib" / python / "site-packages" / name, packages / name)
    programs = [Path(str(shutil.which(name))).resolve() for name in TOOLS] + [(home / "bin" / python).resolve()]
    modules = list((home / "lib" / python / "lib-dynload").glob("*.so"))
    (folder / "usr/local/bin").mkdir(parents=True)
    (folder / "bin").mkdir()
    for name, program in zip((*TOOLS, python), programs, strict=True):
        shutil.copy(program, folder / ("usr/local/bin" if name == python else "bin") / name)
    (folder / "usr/local/bin/python").symlink_to(python)
    pip = folder / "usr/local/bin/pip"
    pip.write_text('#!/bin/sh\nexec python -m pip "$@"\n')
    pip.chmod(0o755)
    wheels = list((Path(sys.prefix) / "lib" / python / "site-packages").rglob("*.so"))
    loading = [*programs, *modules, *wheels, Path(sys.executable).with_name("uv")]
    for library in {path for program in loading for path in libraries(program) if "site-packages" not in str(path)}:
        target = folder / library.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library.resolve(), target)
    for place in ("tmp", "var/task", "etc/ssl/certs", "root"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    (folder / "tmp").chmod(0o1777)
    (folder / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", folder / "etc/ssl/certs")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image of the root file system, with the parts of AWS's base image that the Dockerfile relies on."""
    folder = tmp_path_factory.mktemp("base")
    root_file_system(folder / "root")
    certificates = "/etc/ssl/certs/ca-certificates.crt"
    (folder / "Containerfile").write_text(
        "FROM scratch\nCOPY root /\n"
        f"ENV PATH=/usr/local/bin:/bin LAMBDA_TASK_ROOT={TASK_ROOT}\n"
        f"ENV SSL_CERT_FILE={certificates} PIP_CERT={certificates} NODE_EXTRA_CA_CERTS={certificates}\n"
        f"WORKDIR {TASK_ROOT}\n"
    )
    buildah("bud", "--quiet", "--tag", BASE, str(folder))
    yield BASE
    buildah("rmi", "--force", BASE)


def build(base: str, context: Path, tag: str, *more: str) -> str:
    bases = ("--build-arg", f"BASE={base}", "--build-arg", f"SERVER_BASE={base}")
    return buildah("bud", *bases, *more, "--tag", tag, "--file", str(context / "Dockerfile"), str(context))


def server_and_database(running: psutil.Popen) -> list[psutil.Process]:
    """Return the processes of Python and Java in a container."""
    return [process for process in running.children(recursive=True) if process.cmdline()[0].startswith(PROGRAMS)]


class TestImage:
    def test_the_image_starts_unprivileged_with_exactly_what_it_needs(self, base: str) -> None:
        log = build(base, ROOT, IMAGE)
        megabytes = int(re.findall(r"(?m)^(\d+)\s+/packages$", log)[0])
        print(f" the image adds {megabytes} MB to its base", end=" ")  # noqa: T201
        container = buildah("from", "--quiet", IMAGE).strip()
        try:
            checks = (
                "import os, sys, app.entry.aws.handler as entry; "
                "print(os.getuid(), 'numpy' in sys.modules, os.path.exists(entry.__cached__)); "
                "import numpy, scipy.sparse"
            )
            settings = [
                "SERENDIP_SECRET=" + "s" * 32,
                "AWS_REGION=us-east-1",
                "AWS_ACCESS_KEY_ID=n",
                "AWS_SECRET_ACCESS_KEY=n",
            ]
            options = [part for setting in settings for part in ("--env", setting)]
            ran = buildah("run", "--user", "1000", *options, container, "--", "python", "-c", checks)
            left = buildah("run", container, "--", "ls", TASK_ROOT, "/")
            config = buildah("inspect", "--format", "{{.OCIv1.Config.User}} {{.OCIv1.Config.Cmd}}", IMAGE)
        finally:
            buildah("rm", container)
            buildah("rmi", "--force", IMAGE)

        assert ran.split()[:3] == ["1000", "False", "True"]
        assert config.strip() == "1000 [app.entry.aws.handler.handler]"
        assert {"app", "numpy"} <= set(left.split())
        assert not {"build", "packages", "pyproject.toml", "tests"} & set(left.split())

    def test_a_broken_handler_import_fails_the_build(self, base: str, tmp_path: Path) -> None:
        for name in ("Dockerfile", "pyproject.toml", "requirements.lock", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, tmp_path)
        shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        (tmp_path / "infra").mkdir()
        for name in ("packages.py", "not-in-aws.txt"):
            shutil.copy(ROOT / "infra" / name, tmp_path / "infra")
        (tmp_path / "app" / "entry" / "aws" / "handler.py").write_text("import nothing_of_that_name\n")

        with pytest.raises(AssertionError, match="nothing_of_that_name"):
            build(base, tmp_path, IMAGE)


class TestServer:
    def test_one_command_serves_the_console_and_a_sample_shop_unprivileged(self, base: str, tmp_path: Path) -> None:
        build(base, ROOT, SERVER, "--target", "server")
        config = buildah("inspect", "--format", "{{.OCIv1.Config.User}} {{.OCIv1.Config.Volumes}}", SERVER)
        container = buildah("from", "--quiet", SERVER).strip()
        port, log = free_port(), tmp_path / "log"
        command = [
            "run",
            "--user",
            "1000",
            container,
            "--",
            "serendip",
            "serve",
            "--all-interfaces",
            "--port",
            str(port),
        ]
        try:
            with log.open("wb") as output:
                running = psutil.Popen([str(BUILDAH), *command], env=ENVIRONMENT, stdout=output, stderr=output)

            def is_ready() -> bool:
                assert running.poll() is None, log.read_text()
                return "(stop with Ctrl-C)" in log.read_text()

            try:
                until(is_ready, seconds=300)
                [(page, code)] = re.findall(r"Ready: (\S+)/console#code=(\S+)", log.read_text())
                key = httpx2.post(f"{page}/console/session", content=code, timeout=60).json()["key"]
                console = httpx2.get(f"{page}/console", timeout=60).text
                shown = httpx2.get(
                    f"{page}/v1/users/user-001/recommendations", headers={"X-API-Key": key}, timeout=60
                ).json()
                users = [process.uids().real for process in server_and_database(running)]
            finally:
                for process in server_and_database(running)[:1]:  # stopped, the server stops its database
                    process.terminate()
                running.wait(60)
        finally:
            buildah("rm", container)
            buildah("rmi", "--force", SERVER)

        assert config.strip() == "1000 map[/srv/.serendip:{}]"
        assert '<script type="module"' in console
        assert shown["items"]
        assert users == [1000, 1000]

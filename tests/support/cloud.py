"""AWS emulated by MiniStack on this machine: stacks, functions, gateways, streams, schedules, enforced IAM."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
from botocore.session import get_session

from app.entry.local.dynamodb import free_port
from app.storage.admin.schema import LASTING
from app.storage.database import plain_name
from infra import stage
from infra.account import Account
from infra.packages import PACKAGES, build
from infra.stage import Coded, bring_up, prefix_of
from infra.variants import Template, functions, package_names, zipped
from tests.support.datasets import ROOT

MINISTACK = ROOT / ".venv" / "ministack" / "bin" / "ministack"
STAGE = "dev"
AT = "2026-11-25T12:00:00Z"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
Change = Callable[[Template], object]


class Cloud:
    """An account with a stage deployed like `make deploy` does."""

    def __init__(self, port: int, package: Callable[[str], Path]) -> None:
        """`package` builds a package once, by its name."""
        self.port, self.package = port, package
        self.account = Account(get_session())
        self.outputs: dict[str, str] = {}
        self.worker = ""
        """Name of the function that runs jobs."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def deploy(self, change: Change = lambda _: None, stage: str = STAGE, email: str = "") -> None:
        """Deploys the stage with a change to the application's template."""

        def put_code(account: Account, template: Template, code: Mapping[str, str]) -> Coded:
            bucket, names = code["CodeBucket"], package_names(template)
            packed = {
                name: {"Bucket": bucket, "Key": account.upload(bucket, self.package(name))} for name in names.values()
            }
            template = self._local(zipped(template, packed, PYTHON))
            change(template)
            self.worker = prefix_of(stage) + ("worker" if "WorkerFunction" in names else "api")
            return template, {}

        self.outputs = bring_up(self.account, stage, put_code, email)

    def _local(self, template: Template) -> Template:
        """Points functions at the emulator's WebSocket gateway."""
        for function in functions(template).values():
            variables = function.get("Environment", {}).get("Variables", {})
            if "SERENDIP_SOCKET_ENDPOINT" in variables:
                address = f"{self.endpoint}/_aws/execute-api/${{SocketApi}}/live"
                variables["SERENDIP_SOCKET_ENDPOINT"] = {"Fn::Sub": address}
        return template

    def client(self, key: str | None = None) -> httpx2.Client:
        """Returns a client of the stage's front door."""
        host = self.outputs["Url"].removeprefix("https://")
        if "HttpApiId" in self.outputs:
            host = f"{self.outputs['HttpApiId']}.execute-api.127.0.0.1:{self.port}"
        headers = {"host": host} | ({"x-api-key": key} if key else {})
        return httpx2.Client(base_url=self.endpoint, headers=headers, timeout=60)

    @property
    def socket_url(self) -> str:
        api = self.outputs["SocketUrl"].removeprefix("wss://").partition(".")[0]
        return f"ws://127.0.0.1:{self.port}/_aws/execute-api/{api}/live"

    @property
    def files(self) -> str:
        """The stage's bucket."""
        return self.account.stacks.outputs(f"{prefix_of(STAGE)}tables")["Files"]

    def run(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Runs the command line on the stage, like `make stage-run` does."""
        return self.make("run", "--stage", STAGE, *arguments, **variables)

    def make(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command of the deployment, like `make` does."""
        command = [sys.executable, "-m", "infra.deploy", *arguments]
        environment = {name: value for name, value in os.environ.items() if name != "AWS_DEFAULT_REGION"}
        environment |= {"AWS_REGION": os.environ["AWS_DEFAULT_REGION"], **variables}
        return subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL
        )

    def make_recoverable(self) -> None:
        """Turns on point-in-time recovery, which MiniStack's CloudFormation ignores."""
        on = {"PointInTimeRecoveryEnabled": True}
        for model in LASTING:
            table = prefix_of(STAGE) + plain_name(model)
            tables = self.account.client("dynamodb")
            tables.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=on)

    def worker_log(self) -> list[str]:
        logs, group = self.account.client("logs"), f"/aws/lambda/{self.worker}"
        return [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]


@contextmanager
def emulated(folder: Path, functions: str = "one", front: str = "api") -> Iterator[Cloud]:
    """Starts the emulator with nothing deployed; the stage will have this number of functions and this front."""

    @cache
    def package(name: str) -> Path:
        return build(folder / name, PACKAGES[name], PYTHON, None, level=1)

    stages = folder / "stages"
    stages.mkdir()
    for path in stage.STAGES.glob("*.toml"):
        (stages / path.name).write_text(path.read_text())
        choose(stages / path.name, functions=functions, front=front)
    with emulator(folder) as port, pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "STAGES", stages)
        yield Cloud(port, package)


def choose(path: Path, **choices: str) -> None:
    """Changes settings in a stage's file, such as the number of functions."""
    text = path.read_text()
    for name, value in choices.items():
        text, changes = re.subn(rf'{name} = "\w+"', f'{name} = "{value}"', text)
        assert changes == 1
    path.write_text(text)


@contextmanager
def emulator(folder: Path) -> Iterator[int]:
    """Starts the emulator and sends botocore's calls to it; yields its port."""
    port = free_port()
    client_variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    own = {"AUTH": "true", "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    own |= {"IOT_MTLS_ENABLED": "false", "LAMBDA_EXECUTOR": "local", "TMPDIR": str(folder)}
    unset = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SERENDIP_"))}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([MINISTACK], env={**unset, **own}, cwd=folder, stdout=log, stderr=log)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in client_variables.items():
                patch.setenv(name, value)
            _until_ready(process, port)
            yield port
    finally:
        process.terminate()
        process.wait(60)


def _until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(300):
        try:
            httpx2.get(f"http://127.0.0.1:{port}/_ministack/health")
        except httpx2.TransportError:
            assert process.poll() is None, "the emulator ended"
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the emulator is not ready")


def statements(template: Template, function: str) -> list[dict[str, Any]]:
    """Returns the statements of a function's policy."""
    (policy,) = functions(template)[function]["Policies"]
    return [statement for statement in policy["Statement"] if "Sid" in statement]


def soon(what: Callable[[], Any], seconds: float = 60, log: Callable[[], object] = str) -> Any:
    """Polls until the result is true and returns it; on timeout, fails with the functions' log."""
    ends_at = time.monotonic() + seconds
    while not (result := what()):
        assert time.monotonic() < ends_at, ("it did not happen", log())
        time.sleep(0.2)
    return result

"""`make stage-run` runs the command line with the settings of the stage."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from app.config import PREFIX
from app.entry.local.dynamodb import free_port
from infra.account import Account
from infra.deploy import _command_line


@dataclass
class Stacks:
    """The deployed parameters of a stage's application."""

    deployed: dict[str, str]

    def parameters(self, name: str) -> dict[str, str]:
        return self.deployed if name.endswith("application") else {}

    def outputs(self, _name: str) -> dict[str, str]:
        return {}


@dataclass
class Stage:
    stacks: Stacks
    region: str = "eu-west-1"
    values: dict[str, Any] = field(default_factory=dict)

    def secret(self, stage: str) -> str:
        return stage * 32


class TestRun:
    def test_events_that_a_command_stores_expire_as_those_of_the_stage(self, capfd: pytest.CaptureFixture[str]) -> None:
        """An invalid value shows that the command reads it, before it connects."""
        stage = cast("Account", Stage(Stacks({"EventDays": "1"})))

        code = _command_line(stage, "dev", ["projects", "list"])

        assert code != 0
        assert f"{PREFIX}EVENT_DAYS" in capfd.readouterr().err

    @pytest.mark.parametrize("deployed", [{}, {"EventDays": ""}])
    def test_a_stage_may_keep_events_for_ever(
        self, deployed: dict[str, str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(f"{PREFIX}ENDPOINT", f"http://127.0.0.1:{free_port()}")
        stage = cast("Account", Stage(Stacks(deployed)))

        _command_line(stage, "dev", ["projects", "list"])

        says = capfd.readouterr().err
        assert "database" in says
        assert "EVENT_DAYS" not in says

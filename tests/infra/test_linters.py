"""The linters of `make lint` refuse templates and Dockerfiles with a planted fault."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.function_url import watching_url, without_gateway
from infra.one_function import merged, watched
from infra.variants import Template, load
from tests.support.datasets import ROOT
from tests.support.deployment_checks import FULL

TOOLS = Path(sys.prefix) / "bin"
CHECKOV = ROOT / ".venv" / "checkov" / "bin"
INFRA = ROOT / "infra"
OPTIONAL = (
    *("--include-checks", "I", "--ignore-checks", "I4010", "--include-experimental"),
    *("--configure-rule", "E3012:strict=true"),
)
"""All of cfn-lint's optional rules but I4010, which asks for notes to language models."""
SPOILT = {
    "a number that is text": ("template.yaml", "Timeout: 15", 'Timeout: "15"', "E3012"),
    "a queue that may be lost unsaid": ("template.yaml", "    DeletionPolicy: Delete\n", "", "I3011"),
    "a property that there is not": ("template.yaml", "MemorySize:", "MemorySice:", "E3002"),
    "a reference to nothing": ("template.yaml", "[!Ref Topic]", "[!Ref Topik]", "E1020"),
    "no backups": (
        "tables.yaml",
        "PointInTimeRecoveryEnabled: true",
        "PointInTimeRecoveryEnabled: false",
        "CKV_AWS_28",
    ),
    "a public bucket": ("bootstrap.yaml", "BlockPublicPolicy: true", "BlockPublicPolicy: false", "CKV_AWS_54"),
    "a superuser": ("Dockerfile", "USER 1000", "USER root", "DL3002"),
    "packages of any version": ("Dockerfile", "uv==0.13.9", "uv", "DL3013"),
    "a misspelled limit of a container": ("local/compose.yaml", "cap_drop", "cap_dorp", "'cap_dorp' was unexpected"),
}

Change = Callable[[Template], Template]

pytestmark = pytest.mark.skipif(not FULL, reason="part of make deploy-check")


def linted(path: Path) -> tuple[int, str]:
    """Return the exit status and the output about the file."""
    if path.name == "Dockerfile":
        asking = [[str(CHECKOV / "hadolint"), str(path)]]
    elif path.name == "compose.yaml":
        asking = [[str(CHECKOV / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(path)]]
    else:
        security = [str(CHECKOV / "checkov"), "--config-file", str(INFRA / "checkov.yaml"), "--file", str(path)]
        asking = [[str(TOOLS / "cfn-lint"), *OPTIONAL, "--", str(path)], security]
    done = [subprocess.run(command, check=False, capture_output=True, text=True) for command in asking]
    return max(run.returncode for run in done), "".join(run.stdout + run.stderr for run in done)


@pytest.mark.parametrize("what", SPOILT)
class TestLinters:
    def test_planted_faults_are_refused(self, what: str, tmp_path: Path) -> None:
        name, right, wrong, rule = SPOILT[what]
        source = (ROOT if name == "Dockerfile" else INFRA) / name
        before = source.read_text()
        assert right in before
        spoilt = tmp_path / source.name
        spoilt.write_text(before.replace(right, wrong))

        status, said = linted(spoilt)

        assert status != 0
        assert rule in said
        assert linted(source)[0] == 0


def merged_by_url(template: Template) -> Template:
    return without_gateway(merged(template))


def watched_by_url(template: Template) -> Template:
    return watching_url(watched(template))


VARIANTS: list[tuple[str, Change]] = [
    *(("template", change) for change in (merged, without_gateway, merged_by_url)),
    *(("monitoring", change) for change in (watched, watching_url, watched_by_url)),
]


@pytest.mark.parametrize(("name", "change"), VARIANTS)
class TestVariants:
    """What `make lint` does not see."""

    def test_they_pass(self, name: str, change: Change, tmp_path: Path) -> None:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(change(load(name)), indent=2))

        status, said = linted(path)

        assert status == 0, said

    def test_a_leftover_is_refused(self, name: str, change: Change, tmp_path: Path) -> None:
        template = change(load(name))
        next(iter(template["Resources"].values()))["DependsOn"] = "Removed"
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(template))

        status, said = linted(path)

        assert status != 0
        assert "Removed" in said

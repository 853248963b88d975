"""SAM's own command line validates, builds and deploys the templates that `make templates` writes."""

import json
import os
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.storage.admin.schema import MODELS
from infra import stage, synthesis
from infra.account import secret_name
from infra.function_url import without_gateway
from infra.packages import PACKAGES, build
from infra.stacks import INLINE_BYTES, Failed
from infra.stage import prefix_of
from infra.variants import functions
from tests.support.builders import SECRET
from tests.support.cloud import MINISTACK, PYTHON, STAGE, Cloud, emulator
from tests.support.datasets import ROOT
from tests.support.deployment_checks import FULL

SAM = ROOT / ".venv" / "sam" / "bin" / "sam"
CONFIGURATION = ROOT / "infra" / "samconfig.toml"
BUCKET = "code-of-sam"


def package(folder: Path) -> synthesis.Package:
    return lambda name: build(folder / name, PACKAGES[name], PYTHON, None, level=1)


def normal(path: str) -> Path:
    """Return a path of the configuration, without following links."""
    return Path(os.path.normpath(CONFIGURATION.parent / path))


class TestFiles:
    def test_a_stage_is_in_the_defaults_and_the_code_in_a_file_beside(self, tmp_path: Path) -> None:
        def archive(name: str) -> Path:
            return tmp_path / name / "made.zip"

        paths = synthesis.write(STAGE, archive, workplace=tmp_path)

        assert [path.stem for path in paths] == ["tables", "application", "monitoring", "local"]
        tables, application, monitoring, local = (json.loads(path.read_text()) for path in paths)
        (function,) = functions(application).values()
        assert (paths[1].parent / function["CodeUri"]).resolve() == archive("everything").resolve()
        defaults = {name: made.get("Default") for name, made in application["Parameters"].items()}
        assert (defaults["TablePrefix"], defaults["SecretName"]) == (prefix_of(STAGE), secret_name(STAGE))
        assert (defaults["LogDays"], tables["Parameters"]["MostReadUnits"]["Default"]) == (7, 1_000)
        assert None not in defaults.values()
        assert monitoring["Parameters"]["TableAlarms"]["Default"] == "false"
        (served,) = functions(local).values()
        assert (served["CodeUri"], served["Handler"]) == (function["CodeUri"], function["Handler"])
        assert set(served["Environment"]["Variables"]) <= set(
            application["Globals"]["Function"]["Environment"]["Variables"]
        )

    def test_an_unknown_stage_is_refused_and_leaves_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(Failed, match="Unknown stage: nowhere"):
            synthesis.write("nowhere", lambda name: tmp_path / name, workplace=tmp_path)

        assert list(tmp_path.iterdir()) == []

    def test_a_missing_translator_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        paths = synthesis.write(STAGE, lambda name: tmp_path / f"{name}.zip", workplace=tmp_path)
        monkeypatch.setattr(synthesis, "TRANSLATOR", tmp_path / "python")

        with pytest.raises(Failed, match=r"make \.venv/sam"):
            synthesis.write_plain(paths[1])

    def test_the_configuration_of_sam_names_the_files_and_stacks(self) -> None:
        configured = tomllib.loads(CONFIGURATION.read_text())

        for name in ("tables", "application", "monitoring"):
            parameters = configured[name]["global"]["parameters"]
            assert normal(parameters["template_file"]) == stage.WORKPLACE / STAGE / f"{name}.json"
            assert parameters["stack_name"] == f"{prefix_of(STAGE)}{name}"
        local = configured["local"]["local_start_api"]["parameters"]["template_file"]
        assert normal(local) == stage.WORKPLACE / STAGE / "local.json"


@pytest.mark.skipif(not FULL, reason="part of make deploy-check")
@pytest.mark.skipif(not SAM.exists() or not MINISTACK.exists(), reason="needs make .venv/sam .venv/ministack")
class TestSam:
    @pytest.fixture
    def cloud(self, tmp_path: Path) -> Iterator[Cloud]:
        with emulator(tmp_path) as port:
            yield Cloud(port, package(tmp_path))

    def test_it_validates_builds_and_deploys_them(self, cloud: Cloud, tmp_path: Path) -> None:
        def sam(*arguments: str, path: Path) -> str:
            command = [str(SAM), *arguments, "--template-file", str(path), "--region", "us-east-1"]
            environment = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
            done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=tmp_path)
            assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
            return done.stdout

        deploying = ("--capabilities", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND", "--s3-bucket", BUCKET)
        account = cloud.account
        account.client("s3").create_bucket(Bucket=BUCKET)
        account.client("ssm").put_parameter(
            Name=secret_name(STAGE), Value=SECRET.get_secret_value(), Type="SecureString"
        )
        tables, application, monitoring, local = synthesis.write(STAGE, package(tmp_path), PYTHON, tmp_path)

        by_url = tmp_path / "by-url.json"
        by_url.write_text(json.dumps(without_gateway(json.loads(application.read_text()))))
        for path in (application, by_url, local):
            assert "is a valid SAM Template" in sam("validate", "--lint", path=path)
        sam("build", "--build-dir", "made", path=application)
        for name, path in (
            ("tables", tables),
            ("application", tmp_path / "made" / "template.yaml"),
            ("monitoring", monitoring),
        ):
            sam("deploy", "--stack-name", f"{prefix_of(STAGE)}{name}", *deploying, path=path)

        written = synthesis.write_plain(application).read_text()
        plain = json.loads(written)
        assert not [made for made in plain["Resources"].values() if "Serverless" in made["Type"]]
        assert len(written) <= INLINE_BYTES  # Terraform and CloudFormation take it without a bucket
        (version,) = (made for made in plain["Resources"].values() if made["Type"] == "AWS::Lambda::Version")
        (code,) = (made for made in plain["Resources"].values() if made["Type"] == "AWS::Lambda::Function")
        assert version["DeletionPolicy"] == "Retain"
        assert code["Properties"]["Code"]["S3Bucket"] == {"Ref": "CodeBucket"}

        cloud.outputs = account.stacks.outputs(f"{prefix_of(STAGE)}application")
        made = account.client("dynamodb").list_tables()["TableNames"]
        key = cloud.run("keys", "create", "root", "--scope", "admin", "--administration").stdout.split()[-1]
        with cloud.client(key) as client:
            created = client.post("/v1/projects", json={"project_id": "shop"}).raise_for_status().json()
        assert len(made) == len(MODELS)
        assert created["key"]["key"]

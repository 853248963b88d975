"""`make deploy`: brings the whole system up in the account whose credentials are at hand, or up to date."""

import os
import secrets
import subprocess
import sys
import tomllib
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session, get_session

from infra.packages import PYTHON, ROOT, SERVING, TRAINING, Unpackable, build
from infra.stacks import Failed, Stacks, Template, load, restored, shifted, versioned, zipped

WORKPLACE = ROOT / ".serendip" / "deploy"
STAGES = Path(__file__).parent / "stages"
BOOTSTRAP = "serendip-bootstrap"
ARM = "linux/arm64"
NETWORK = ("Subnets", "SecurityGroups")
"""What a stage's file says of tasks that the worker has to know, who starts them."""

Coded = tuple[Template, dict[str, str]]
"""The application's template with its code named in it, and the parameters that name it."""

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Stage = Annotated[str, typer.Option(help="A file of infra/stages, such as dev or prod.")]


class Account:
    """AWS, as the credentials at hand see it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.stacks = Stacks(self.client("cloudformation"), self.client("s3"))

    @property
    def region(self) -> str:
        return str(self._session.get_config_variable("region"))

    def client(self, service: str) -> BaseClient:
        return self._session.create_client(service)

    def secret(self, stage: str) -> str:
        """The stage's secret, drawn when it is first asked for and then kept as an encrypted parameter."""
        parameters, name = self.client("ssm"), secret_name(stage)
        try:
            return str(parameters.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
        drawn = secrets.token_urlsafe(48)
        parameters.put_parameter(Name=name, Value=drawn, Type="SecureString", Description="Serendip's secret")
        return drawn

    def keep_secret(self, stage: str, secret: str) -> None:
        """Give a stage the secret of another one, whose tokens it is to accept."""
        self.client("ssm").put_parameter(Name=secret_name(stage), Value=secret, Type="SecureString", Overwrite=True)

    def upload(self, bucket: str, archive: Path) -> str:
        """Put a package into the bucket, unless an equal one, which has an equal name, is there; gives its key."""
        key, s3 = f"packages/{archive.name}", self.client("s3")
        if s3.list_objects_v2(Bucket=bucket, Prefix=key).get("KeyCount"):
            return key
        with archive.open("rb") as content:
            s3.put_object(Bucket=bucket, Key=key, Body=content)
        return key

    def push_image(self, repository: str) -> str:
        """Build the image for arm64 and push it, unless one of the same sources is there; gives its name.

        Raises:
            Failed: Docker is not there, or did not do it.
        """
        tag, ecr = sources_digest(), self.client("ecr")
        name = f"{repository}:{tag}"
        there = ecr.batch_get_image(repositoryName=repository.partition("/")[2], imageIds=[{"imageTag": tag}])
        if there["images"]:
            return name
        (given,) = ecr.get_authorization_token()["authorizationData"]
        user, _, password = b64decode(given["authorizationToken"]).decode().partition(":")
        _docker("login", "--username", user, "--password-stdin", repository.partition("/")[0], given=password)
        _docker("buildx", "build", "--platform", ARM, "--provenance=false", "--tag", name, "--push", ".")
        return name


def _docker(*arguments: str, given: str | None = None) -> None:
    try:
        subprocess.run(["docker", *arguments], input=given, text=True, check=True, cwd=ROOT)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise Failed(f"Docker is needed to build the image ({error}). FLAVOUR=zip needs none.") from error


def at_hand() -> Account:
    """The account of the credentials, in the region of AWS_REGION, of AWS_DEFAULT_REGION or of the profile."""
    session = get_session()
    if "AWS_REGION" in os.environ:
        session.set_config_variable("region", os.environ["AWS_REGION"])
    return Account(session)


def sources_digest() -> str:
    """Of all that the image is built from."""
    paths = [ROOT / name for name in ("Dockerfile", "pyproject.toml", "requirements.lock", "infra/packages.py")]
    digest = sha256()
    for path in (*paths, *sorted((ROOT / "app").rglob("*"))):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def prefix_of(stage: str) -> str:
    return f"serendip-{stage}-"


def secret_name(stage: str) -> str:
    """Of the parameter of SSM that holds a stage's secret."""
    return f"/serendip/{stage}/secret"


def settings_of(stage: str) -> dict[str, Any]:
    """What the stage's file says.

    Raises:
        Failed: there is no such file.
    """
    path = STAGES / f"{stage}.toml"
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in STAGES.glob("*.toml")))
        raise Failed(f"There is no stage {stage} (known: {known}). Copy a file of infra/stages to make one.")
    return tomllib.loads(path.read_text())


Code = Callable[[Account, Template, Mapping[str, str]], Coded]
"""Builds the code, puts it where Lambda gets it (the bootstrap's outputs say where) and names it."""


def zip_code(account: Account, template: Template, code: Mapping[str, str]) -> Coded:
    bucket = code["CodeBucket"]
    serving = account.upload(bucket, build(WORKPLACE / "serving", SERVING))
    training = account.upload(bucket, build(WORKPLACE / "training", TRAINING))
    return zipped(template, bucket, serving, training, PYTHON), {}


def image_code(account: Account, template: Template, code: Mapping[str, str]) -> Coded:
    return template, {"ImageUri": account.push_image(code["Images"])}


FLAVOURS: dict[str, Code] = {"zip": zip_code, "image": image_code}


def bring_up(account: Account, stage: str, put_code: Code) -> dict[str, str]:
    """Make or change everything; gives the outputs of the application's stack.

    Raises:
        Failed: a stack was refused or rolled back.
        Unpackable: the code cannot be packed.
    """
    settings, prefix = settings_of(stage), prefix_of(stage)
    account.stacks.apply(BOOTSTRAP, load("bootstrap"), {})
    code = account.stacks.outputs(BOOTSTRAP)
    template, named = put_code(account, shifted(load("template"), settings["shift"]), code)
    if settings.get("snapstart", False):
        template = restored(template)
    given = settings.get("application", {})
    application = {"TablePrefix": prefix, "Secret": account.secret(stage)} | named | given
    alarms = {key: given[key] for key in ("Metrics",) if key in given} | settings.get("monitoring", {})
    stacks = {"tables": (load("tables"), _of_tables(settings))}
    if "training" in settings:
        stacks["training"] = (load("training"), _of_tasks(account, stage, settings, code))
        application |= {f"Training{key}": settings["training"][key] for key in NETWORK if key in settings["training"]}
    stacks["application"] = (versioned(template, application), application)
    stacks["monitoring"] = (load("monitoring"), alarms)
    for name, (body, parameters) in stacks.items():
        print(f"  stack {prefix}{name}")
        account.stacks.apply(prefix + name, body, {"TablePrefix": prefix} | parameters, code["CodeBucket"])
    return account.stacks.outputs(prefix + "application")


def _of_tables(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the tables' stack."""
    given: Mapping[str, Any] = settings.get("application", {})
    own: Mapping[str, Any] = settings.get("tables", {})
    return {key: given[key] for key in ("KeyArn",) if key in given} | dict(own)


def _of_tasks(account: Account, stage: str, settings: Mapping[str, Any], code: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of the stack of container tasks, whose image is made whatever the functions are made of."""
    given = settings.get("application", {})
    shared = {key: given[key] for key in ("KeyArn", "LogDays") if key in given}
    own = {key: value for key, value in settings["training"].items() if key not in NETWORK}
    return {"ImageUri": account.push_image(code["Images"]), "SecretName": secret_name(stage)} | shared | own


def _as_imported(properties: Mapping[str, Any]) -> dict[str, Any]:
    """What a table that was restored has; the rest, as protection and stream, comes with the stack's first change."""
    names = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    kept = {name: properties[name] for name in names if name in properties}
    for index in kept.get("GlobalSecondaryIndexes", ()):
        del index["OnDemandThroughput"]
    return kept


def adopt_tables(account: Account, stage: str, source: str) -> None:
    """Make the tables' stack of a stage of tables that are there: those that were restored from a backup of another.

    Raises:
        Failed: CloudFormation refused it.
    """
    prefix, template = prefix_of(stage), load("tables")
    present = {}
    for key, one in template["Resources"].items():
        if one["Type"] == "AWS::DynamoDB::Table" and one["DeletionPolicy"] == "Retain":
            present[key] = {"TableName": prefix + key.removesuffix("Table").lower()}
            one["Properties"] = _as_imported(one["Properties"])
    parameters = {"TablePrefix": prefix} | _of_tables(settings_of(stage))
    bucket = account.stacks.outputs(BOOTSTRAP)["CodeBucket"]
    account.stacks.adopt(f"{prefix}tables", template, parameters, present, bucket)
    account.keep_secret(stage, account.secret(source))


@command.command()
def restore(
    backup: str, source: Annotated[str, typer.Option("--from", help="The stage of the backup.")], stage: Stage
) -> None:
    """Make the tables of a new stage from a backup of another one; then deploy the new stage."""
    settings_of(stage)
    account = at_hand()
    bucket = account.stacks.outputs(prefix_of(source) + "tables")["Files"]
    done = _command_line(account, stage, ["restore", backup, "--bucket", bucket])
    if done:
        sys.exit(done)
    adopt_tables(account, stage, source)
    print(f"Next: make deploy STAGE={stage}")


@command.command()
def deploy(stage: Stage = "dev", flavour: Annotated[str, typer.Option(help="zip or image")] = "zip") -> None:
    """Build, upload, and make or change the stacks: tables, application, alarms."""
    if flavour not in FLAVOURS:
        raise Failed(f"There is no flavour {flavour}; there are {' and '.join(FLAVOURS)}.")
    if flavour == "image" and settings_of(stage).get("snapstart", False):
        raise Failed("Lambda takes snapshots of zip packages only: deploy with FLAVOUR=zip, or without snapstart.")
    account = at_hand()
    print(f"Deploying {prefix_of(stage)}* to {account.region}, from {flavour}")
    for name, value in bring_up(account, stage, FLAVOURS[flavour]).items():
        print(f"  {name}: {value}")
    print(f"Next: make admin-key STAGE={stage}")


@command.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(context: typer.Context, stage: Stage = "dev") -> None:
    """Run the command line on what is deployed, as in `run --stage dev doctor`."""
    sys.exit(_command_line(at_hand(), stage, context.args))


def _command_line(account: Account, stage: str, arguments: Sequence[str]) -> int:
    """Run `serendip` on a stage; gives its exit status."""
    environment = {
        **os.environ,
        "SERENDIP_SECRET": account.secret(stage),
        "SERENDIP_TABLE_PREFIX": prefix_of(stage),
        "SERENDIP_REGION": account.region,
    }
    files = account.stacks.outputs(prefix_of(stage) + "tables").get("Files")
    if files is not None:
        environment["SERENDIP_FILES"] = files
    cli = str(Path(sys.executable).with_name("serendip"))
    return subprocess.run([cli, *arguments], env=environment, check=False).returncode


def main() -> None:
    try:
        command()
    except (Failed, Unpackable, BotoCoreError, ClientError) as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()

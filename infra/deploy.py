"""Create or update the whole system in the AWS account of the current credentials (`make deploy`)."""

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

from app.entry.errors import SetupError
from infra import console
from infra.packages import PYTHON, ROOT, SERVING, TRAINING, Unpackable, build
from infra.stacks import Failed, Stacks, Template, load, restored, shifted, versioned, zipped

WORKPLACE = ROOT / ".serendip" / "deploy"
STAGES = Path(__file__).parent / "stages"
BOOTSTRAP = "serendip-bootstrap"
ARM = "linux/arm64"
NETWORK = ("Subnets", "SecurityGroups")
"""Training settings of a stage's file that the worker needs to start tasks."""

Coded = tuple[Template, dict[str, str]]
"""The application's template with its code filled in, and the parameters that refer to the code."""

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Stage = Annotated[str, typer.Option(help="Name of a file in infra/stages, such as dev or prod.")]


class Account:
    """The AWS account of the current credentials."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.stacks = Stacks(self.client("cloudformation"), self.client("s3"))

    @property
    def region(self) -> str:
        return str(self._session.get_config_variable("region"))

    def client(self, service: str) -> BaseClient:
        return self._session.create_client(service)

    def secret(self, stage: str) -> str:
        """Returns the stage's secret; generates it on first use and stores it as an encrypted parameter."""
        parameters, name = self.client("ssm"), secret_name(stage)
        try:
            return str(parameters.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
        generated = secrets.token_urlsafe(48)
        parameters.put_parameter(Name=name, Value=generated, Type="SecureString", Description="Serendip's secret")
        return generated

    def keep_secret(self, stage: str, secret: str) -> None:
        """Stores another stage's secret, so that this stage accepts the other's tokens."""
        self.client("ssm").put_parameter(Name=secret_name(stage), Value=secret, Type="SecureString", Overwrite=True)

    def upload(self, bucket: str, archive: Path) -> str:
        """Uploads a package unless one with the same content (hence the same name) exists; returns its key."""
        key, s3 = f"packages/{archive.name}", self.client("s3")
        if s3.list_objects_v2(Bucket=bucket, Prefix=key).get("KeyCount"):
            return key
        with archive.open("rb") as content:
            s3.put_object(Bucket=bucket, Key=key, Body=content)
        return key

    def push_image(self, repository: str) -> str:
        """Builds the image for arm64 and pushes it unless one of the same sources exists; returns its name.

        Raises:
            Failed: Docker is missing or failed.
        """
        tag, ecr = sources_digest(), self.client("ecr")
        name = f"{repository}:{tag}"
        existing = ecr.batch_get_image(repositoryName=repository.partition("/")[2], imageIds=[{"imageTag": tag}])
        if existing["images"]:
            return name
        (authorization,) = ecr.get_authorization_token()["authorizationData"]
        user, _, password = b64decode(authorization["authorizationToken"]).decode().partition(":")
        _docker("login", "--username", user, "--password-stdin", repository.partition("/")[0], stdin=password)
        _docker("buildx", "build", "--platform", ARM, "--provenance=false", "--tag", name, "--push", ".")
        return name


def _docker(*arguments: str, stdin: str | None = None) -> None:
    try:
        subprocess.run(["docker", *arguments], input=stdin, text=True, check=True, cwd=ROOT)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise Failed(f"Docker is needed to build the image ({error}). FLAVOUR=zip does not need it.") from error


def current_account() -> Account:
    """Returns the account of the credentials, in the region of AWS_REGION, AWS_DEFAULT_REGION or the profile."""
    session = get_session()
    if "AWS_REGION" in os.environ:
        session.set_config_variable("region", os.environ["AWS_REGION"])
    return Account(session)


def sources_digest() -> str:
    """Returns a digest of everything the image is built from."""
    names = ("Dockerfile", "pyproject.toml", "requirements.lock", "infra/packages.py", "infra/not-in-aws.txt")
    paths = [ROOT / name for name in names]
    digest = sha256()
    for path in (*paths, *sorted((ROOT / "app").rglob("*"))):
        if path.is_file() and not {"__pycache__", "node_modules"} & set(path.parts):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def prefix_of(stage: str) -> str:
    return f"serendip-{stage}-"


def secret_name(stage: str) -> str:
    """Returns the name of the SSM parameter that holds a stage's secret."""
    return f"/serendip/{stage}/secret"


def settings_of(stage: str) -> dict[str, Any]:
    """Loads the stage's file.

    Raises:
        Failed: the file does not exist.
    """
    path = STAGES / f"{stage}.toml"
    if not path.is_file():
        stages = ", ".join(sorted(file.stem for file in STAGES.glob("*.toml")))
        raise Failed(f"Unknown stage: {stage}. Stages: {stages}. To add one, copy a file of infra/stages.")
    return tomllib.loads(path.read_text())


Code = Callable[[Account, Template, Mapping[str, str]], Coded]
"""Builds the code, uploads it to the place in the bootstrap stack's outputs, and fills it into the template."""


def zip_code(account: Account, template: Template, code: Mapping[str, str]) -> Coded:
    bucket = code["CodeBucket"]
    serving = account.upload(bucket, build(WORKPLACE / "serving", SERVING))
    training = account.upload(bucket, build(WORKPLACE / "training", TRAINING))
    return zipped(template, bucket, serving, training, PYTHON), {}


def image_code(account: Account, template: Template, code: Mapping[str, str]) -> Coded:
    return template, {"ImageUri": account.push_image(code["Images"])}


FLAVOURS: dict[str, Code] = {"zip": zip_code, "image": image_code}


def bring_up(account: Account, stage: str, put_code: Code) -> dict[str, str]:
    """Creates or updates all stacks; returns the outputs of the application's stack.

    Raises:
        Failed: a stack was refused or rolled back.
        Unpackable: the code cannot be packaged.
    """
    settings, prefix = settings_of(stage), prefix_of(stage)
    console.build()
    account.stacks.apply(BOOTSTRAP, load("bootstrap"), {})
    code = account.stacks.outputs(BOOTSTRAP)
    template, code_parameters = put_code(account, shifted(load("template"), settings["shift"]), code)
    if settings.get("snapstart", False):
        template = restored(template)
    overrides = settings.get("application", {})
    application = {"TablePrefix": prefix, "Secret": account.secret(stage)} | code_parameters | overrides
    alarms = {key: overrides[key] for key in ("Metrics",) if key in overrides} | settings.get("monitoring", {})
    stacks = {"tables": (load("tables"), _tables_parameters(settings))}
    if "training" in settings:
        stacks["training"] = (load("training"), _training_parameters(account, stage, settings, code))
        application |= {f"Training{key}": settings["training"][key] for key in NETWORK if key in settings["training"]}
    stacks["application"] = (versioned(template, application), application)
    stacks["monitoring"] = (load("monitoring"), alarms)
    for name, (body, parameters) in stacks.items():
        print(f"  stack {prefix}{name}")
        account.stacks.apply(prefix + name, body, {"TablePrefix": prefix} | parameters, code["CodeBucket"])
    return account.stacks.outputs(prefix + "application")


def _tables_parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parameters of the tables' stack."""
    application: Mapping[str, Any] = settings.get("application", {})
    own: Mapping[str, Any] = settings.get("tables", {})
    return {key: application[key] for key in ("KeyArn",) if key in application} | dict(own)


def _training_parameters(
    account: Account, stage: str, settings: Mapping[str, Any], code: Mapping[str, str]
) -> dict[str, Any]:
    """Returns the parameters of the training stack; its tasks need the image even if the functions use zip packages."""
    application = settings.get("application", {})
    shared = {key: application[key] for key in ("KeyArn", "LogDays") if key in application}
    own = {key: value for key, value in settings["training"].items() if key not in NETWORK}
    return {"ImageUri": account.push_image(code["Images"]), "SecretName": secret_name(stage)} | shared | own


def _importable(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Keeps the properties that a restored table has; the stack's first update adds the rest (protection, stream)."""
    names = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    kept = {name: properties[name] for name in names if name in properties}
    for index in kept.get("GlobalSecondaryIndexes", ()):
        del index["OnDemandThroughput"]
    return kept


def adopt_tables(account: Account, stage: str, source: str) -> None:
    """Creates a stage's tables stack from existing tables that were restored from another stage's backup.

    Raises:
        Failed: CloudFormation refused it.
    """
    prefix, template = prefix_of(stage), load("tables")
    present = {}
    for key, resource in template["Resources"].items():
        if resource["Type"] == "AWS::DynamoDB::Table" and resource["DeletionPolicy"] == "Retain":
            present[key] = {"TableName": prefix + key.removesuffix("Table").lower()}
            resource["Properties"] = _importable(resource["Properties"])
    parameters = {"TablePrefix": prefix} | _tables_parameters(settings_of(stage))
    bucket = account.stacks.outputs(BOOTSTRAP)["CodeBucket"]
    account.stacks.adopt(f"{prefix}tables", template, parameters, present, bucket)
    account.keep_secret(stage, account.secret(source))


@command.command()
def restore(
    backup: str, source: Annotated[str, typer.Option("--from", help="Stage that the backup was made of.")], stage: Stage
) -> None:
    """Restore another stage's backup into the tables of a new stage. Deploy the new stage afterwards."""
    settings_of(stage)
    account = current_account()
    bucket = account.stacks.outputs(prefix_of(source) + "tables")["Files"]
    status = _command_line(account, stage, ["restore", backup, "--bucket", bucket])
    if status:
        sys.exit(status)
    adopt_tables(account, stage, source)
    print(f"Next: make deploy STAGE={stage}")


@command.command()
def deploy(stage: Stage = "dev", flavour: Annotated[str, typer.Option(help="zip or image")] = "zip") -> None:
    """Build and upload the code, then create or update the stacks: tables, application, alarms."""
    if flavour not in FLAVOURS:
        raise Failed(f"Unknown flavour: {flavour}. Use {' or '.join(FLAVOURS)}.")
    if flavour == "image" and settings_of(stage).get("snapstart", False):
        raise Failed("SnapStart supports only zip packages. Deploy with FLAVOUR=zip, or turn snapstart off.")
    account = current_account()
    print(f"Deploying {prefix_of(stage)}* to {account.region}, from {flavour}")
    for name, value in bring_up(account, stage, FLAVOURS[flavour]).items():
        print(f"  {name}: {value}")
    print(f"Next: make admin-key STAGE={stage}")


@command.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(context: typer.Context, stage: Stage = "dev") -> None:
    """Run a `serendip` command on a deployed stage, for example `run --stage dev doctor`."""
    sys.exit(_command_line(current_account(), stage, context.args))


def _command_line(account: Account, stage: str, arguments: Sequence[str]) -> int:
    """Runs `serendip` on a stage; returns its exit status."""
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
    except (Failed, Unpackable, SetupError, BotoCoreError, ClientError) as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()

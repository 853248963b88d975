"""The AWS account of the current credentials, and what a deployment keeps there."""

import os
import secrets
import subprocess
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.session import Session, get_session

from infra.packages import ROOT
from infra.stacks import Failed, Stacks

ARM = "linux/arm64"


class Account:
    """The AWS account of the current credentials."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.stacks = Stacks(self.client("cloudformation"), self.client("s3"))

    @property
    def region(self) -> str:
        return str(self._session.get_config_variable("region"))

    @property
    def number(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

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

    def concurrency(self) -> int:
        """Returns how many executions of all functions this account allows at a time."""
        return int(self.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"])

    def gateway_role(self) -> str:
        """Returns the role by which API Gateway writes logs in this account and region; empty if it has none."""
        return str(self.client("apigateway").get_account().get("cloudwatchRoleArn", ""))

    def flavour(self, function: str) -> str | None:
        """Returns what a function was deployed from, `zip` or `image`; None if it does not exist."""
        functions = self.client("lambda")
        try:
            kind = functions.get_function_configuration(FunctionName=function)["PackageType"]
        except functions.exceptions.ResourceNotFoundException:
            return None
        return str(kind).lower()

    def forget_secret(self, stage: str) -> None:
        """Deletes the stage's secret, if it has one."""
        self.client("ssm").delete_parameters(Names=[secret_name(stage)])

    def remove_table(self, name: str) -> None:
        """Deletes a table with everything in it, if it exists."""
        tables = self.client("dynamodb")
        try:
            tables.delete_table(TableName=name)
        except tables.exceptions.ResourceNotFoundException:
            return
        tables.get_waiter("table_not_exists").wait(TableName=name)

    def remove_bucket(self, bucket: str) -> None:
        """Deletes a bucket without versions, and all that is in it."""
        s3 = self.client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for entry in page.get("Contents", ()):
                s3.delete_object(Bucket=bucket, Key=entry["Key"])
        s3.delete_bucket(Bucket=bucket)

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


def secret_name(stage: str) -> str:
    """Returns the name of the SSM parameter that holds a stage's secret."""
    return f"/serendip/{stage}/secret"

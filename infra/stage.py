"""A stage: its settings, and the stacks that make it up."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.entry.cli.operations.checks import LOW_CONCURRENCY, MORE_CONCURRENCY
from infra import console
from infra.account import Account, secret_name
from infra.one_function import merged, watched
from infra.packages import PACKAGES, PYTHON, ROOT, build
from infra.stacks import Failed
from infra.variants import Template, functions, load, package_names, restored, shifted, versioned, zipped

WORKPLACE = ROOT / ".serendip" / "deploy"
STAGES = Path(__file__).parent / "stages"
BOOTSTRAP = "serendip-bootstrap"
STACKS = ("tables", "training", "application", "monitoring")
NETWORK = ("Subnets", "SecurityGroups")
"""Training settings of a stage's file that the worker needs to start tasks."""

SHARED = ("TablePrefix", "Metrics", "Email")
"""Parameters of the application that the alarms have as well."""
FUNCTIONS = ("one", "three")
RESERVING = ("ApiConcurrency", "StreamConcurrency", "WorkerConcurrency")

Coded = tuple[Template, dict[str, str]]
"""The application's template with its code filled in, and the parameters that refer to the code."""


def prefix_of(stage: str) -> str:
    return f"serendip-{stage}-"


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


def application(stage: str) -> Template:
    """Returns the application's template with as many functions as the stage's file says; the default is one.

    Raises:
        Failed: the file names another number, or sets a parameter that the template does not have.
    """
    settings, template = settings_of(stage), load("template")
    number = settings.get("functions", FUNCTIONS[0])
    if number not in FUNCTIONS:
        raise Failed(f'{stage}.toml says functions = "{number}". Use "{FUNCTIONS[0]}" or "{FUNCTIONS[1]}".')
    parameters, template = {*template["Parameters"]}, merged(template) if number == FUNCTIONS[0] else template
    for name in settings.get("application", {}):
        if name not in parameters:
            raise Failed(f"{stage}.toml sets {name}, which the application does not have.")
        if name not in template["Parameters"]:
            raise Failed(
                f"{stage}.toml sets {name}, which a stage with one function does not have. Remove it (ApiMemory and "
                f'ApiConcurrency are for all work), or set functions = "three".'
            )
    template = shifted(template, settings["shift"])
    return restored(template) if settings.get("snapstart", False) else template


def monitoring(template: Template) -> Template:
    """Returns the template of alarms and the dashboard for an application's template."""
    return watched(load("monitoring")) if len(functions(template)) == 1 else load("monitoring")


def application_parameters(stage: str, email: str = "") -> dict[str, Any]:
    """Returns the parameters of the application's stack, except those that refer to its code."""
    settings = settings_of(stage)
    training = settings.get("training", {})
    parameters = {"TablePrefix": prefix_of(stage), "SecretName": secret_name(stage), **settings.get("application", {})}
    parameters |= {f"Training{key}": training[key] for key in NETWORK if key in training}
    return {**parameters, "Email": email} if email else parameters


def monitoring_parameters(stage: str, email: str = "") -> dict[str, Any]:
    """Returns the parameters of the stack of alarms and the dashboard."""
    shared = {key: value for key, value in application_parameters(stage, email).items() if key in SHARED}
    return {**shared, **settings_of(stage).get("monitoring", {})}


Code = Callable[[Account, Template, Mapping[str, str]], Coded]
"""Builds the code, uploads it to the place in the bootstrap stack's outputs, and fills it into the template."""


def zip_code(account: Account, template: Template, code: Mapping[str, str]) -> Coded:
    bucket, names = code["CodeBucket"], sorted(set(package_names(template).values()))
    archives = {name: account.upload(bucket, build(WORKPLACE / name, PACKAGES[name])) for name in names}
    return zipped(template, {name: {"Bucket": bucket, "Key": key} for name, key in archives.items()}, PYTHON), {}


def image_code(account: Account, template: Template, code: Mapping[str, str]) -> Coded:
    return template, {"ImageUri": account.push_image(code["Images"])}


FLAVOURS: dict[str, Code] = {"zip": zip_code, "image": image_code}


def check_flavour(account: Account, stage: str, flavour: str) -> None:
    """Refuses another flavour than the deployed one: CloudFormation cannot replace functions whose names are fixed.

    Raises:
        Failed: the stage's functions are of the other flavour.
    """
    deployed = account.flavour(f"{prefix_of(stage)}api")
    if deployed not in {None, flavour}:
        raise Failed(
            f"The stage {stage} was deployed from {deployed}; its functions cannot change to {flavour}. "
            f"Deploy with FLAVOUR={deployed}, or to another stage."
        )


def check_functions(account: Account, stage: str) -> None:
    """Refuses to merge the functions of a stage whose file does not ask for it: it may be older than the setting.

    Raises:
        Failed: the file names no number of functions, and the stage has three.
    """
    if "functions" not in settings_of(stage) and account.flavour(f"{prefix_of(stage)}worker") is not None:
        raise Failed(
            f'The stage {stage} has three functions. Set functions = "three" in its file to keep them, or "one" to '
            f"merge them."
        )


def check_account(account: Account, stage: str) -> None:
    """Refuses credentials of another account than the stage's file names.

    Raises:
        Failed: they are of another account.
    """
    own = settings_of(stage).get("account")
    if own is not None and str(own) != account.number:
        raise Failed(f"The stage {stage} belongs to the account {own}, the credentials to {account.number}.")


def check_concurrency(account: Account, stage: str) -> str:
    """Returns a warning if the account allows few executions at a time; empty if not.

    Raises:
        Failed: the stage reserves more than the account allows.
    """
    application, allowed = settings_of(stage).get("application", {}), account.concurrency()
    reserved = sum(int(application.get(name, 0)) for name in RESERVING)
    if reserved > max(0, allowed - LOW_CONCURRENCY):
        raise Failed(
            f"The stage {stage} reserves {reserved} concurrent executions, but this account allows {allowed}, "
            f"and Lambda keeps {LOW_CONCURRENCY} unreserved. Remove {', '.join(RESERVING)}. {MORE_CONCURRENCY}"
        )
    if allowed >= LOW_CONCURRENCY:
        return ""
    return f"This account allows only {allowed} requests, batches and jobs at the same time. {MORE_CONCURRENCY}"


def recipient(account: Account, stage: str) -> str:
    """Returns who gets the alarms according to the stage's file, else to its last deployment; may be empty."""
    own = settings_of(stage).get("application", {}).get("Email")
    return str(own or account.stacks.parameters(f"{prefix_of(stage)}application").get("Email", ""))


def bring_up(account: Account, stage: str, put_code: Code, email: str = "") -> dict[str, str]:
    """Creates or updates all stacks; returns the outputs of the application's stack.

    Raises:
        Failed: a stack was refused or rolled back.
        Unpackable: the code cannot be packaged.
    """
    settings, prefix, template = settings_of(stage), prefix_of(stage), application(stage)
    console.build()
    overrides = settings.get("application", {})
    bounded = {key: overrides[key] for key in ("PermissionsBoundary",) if key in overrides}
    _bootstrap(account, bounded)
    code = account.stacks.outputs(BOOTSTRAP)
    template, code_parameters = put_code(account, template, code)
    account.secret(stage)
    stacks = {}
    if "training" in settings:
        stacks["training"] = (load("training"), _training_parameters(account, stage, settings, code))
    parameters = application_parameters(stage, email) | code_parameters
    stacks["application"] = (versioned(template, parameters), parameters)
    stacks["monitoring"] = (monitoring(template), monitoring_parameters(stage, email))
    _bring_up_tables(account, stage, settings, code["CodeBucket"])
    for name, (body, own) in stacks.items():
        print(f"  stack {prefix}{name}")
        account.stacks.apply(prefix + name, body, {"TablePrefix": prefix} | own, code["CodeBucket"], _tags(stage))
    return account.stacks.outputs(prefix + "application")


def tear_down(account: Account, stage: str) -> None:
    """Deletes all stacks of a stage, and the data and the secret that they leave behind.

    Raises:
        Failed: the stage's tables are protected from deletion, or a stack could not be deleted.
    """
    prefix = prefix_of(stage)
    deployed = account.stacks.parameters(f"{prefix}tables")
    if "true" in {deployed.get("DeletionProtection"), tables_parameters(settings_of(stage)).get("DeletionProtection")}:
        raise Failed(
            f"The tables of {stage} are protected. Set DeletionProtection = "
            f'"false" in infra/stages/{stage}.toml and deploy, if all of its data may be deleted.'
        )
    files = account.stacks.outputs(f"{prefix}tables").get("Files")
    code = account.stacks.outputs(BOOTSTRAP).get("CodeBucket")
    for name in reversed(STACKS):
        print(f"  stack {prefix}{name}")
        account.stacks.delete(prefix + name, code)
    for key, resource in load("tables")["Resources"].items():
        if resource["Type"] == "AWS::DynamoDB::Table":
            account.remove_table(_table_name(prefix, key))
    if files is not None:
        account.remove_bucket(files)
    account.forget_secret(stage)


def _bootstrap(account: Account, parameters: Mapping[str, Any]) -> None:
    """Sets the account up; a role that it already gave to API Gateway stays."""
    own = account.gateway_role() in {"", account.stacks.outputs(BOOTSTRAP).get("GatewayRole")}
    account.stacks.apply(BOOTSTRAP, load("bootstrap"), {**parameters, "SetsGatewayRole": str(own).lower()})


def _bring_up_tables(account: Account, stage: str, settings: Mapping[str, Any], bucket: str) -> None:
    """Creates or updates the tables; new ones are protected from deletion only once all of them could be created."""
    name, parameters = f"{prefix_of(stage)}tables", {"TablePrefix": prefix_of(stage)} | tables_parameters(settings)
    print(f"  stack {name}")
    if not account.stacks.exists(name):
        account.stacks.apply(name, load("tables"), parameters | {"DeletionProtection": "false"}, bucket, _tags(stage))
    account.stacks.apply(name, load("tables"), parameters, bucket, _tags(stage))


def _tags(stage: str) -> dict[str, str]:
    """Returns the tags of all resources of a stage, by which bills can be split."""
    return {"serendip-stage": stage, **settings_of(stage).get("tags", {})}


def tables_parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parameters of the tables' stack."""
    application: Mapping[str, Any] = settings.get("application", {})
    own: Mapping[str, Any] = settings.get("tables", {})
    return {key: application[key] for key in ("KeyArn",) if key in application} | dict(own)


def _training_parameters(
    account: Account, stage: str, settings: Mapping[str, Any], code: Mapping[str, str]
) -> dict[str, Any]:
    """Returns the parameters of the training stack; its tasks need the image even if the functions use zip packages."""
    application = settings.get("application", {})
    shared = {key: application[key] for key in ("KeyArn", "LogDays", "PermissionsBoundary") if key in application}
    own = {key: value for key, value in settings["training"].items() if key not in NETWORK}
    return {"ImageUri": account.push_image(code["Images"]), "SecretName": secret_name(stage)} | shared | own


def _importable(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Keeps the properties that a restored table has; the stack's first update adds the rest (protection, stream)."""
    names = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    kept = {name: properties[name] for name in names if name in properties}
    for index in kept.get("GlobalSecondaryIndexes", ()):
        del index["OnDemandThroughput"]
    return kept


def _table_name(prefix: str, resource: str) -> str:
    return prefix + resource.removesuffix("Table").lower()


def adopt_tables(account: Account, stage: str, source: str) -> None:
    """Creates a stage's tables stack from existing tables that were restored from another stage's backup.

    Raises:
        Failed: CloudFormation refused it.
    """
    prefix, template = prefix_of(stage), load("tables")
    present = {}
    for key, resource in template["Resources"].items():
        if resource["Type"] == "AWS::DynamoDB::Table" and resource["DeletionPolicy"] != "Delete":
            present[key] = {"TableName": _table_name(prefix, key)}
            resource["Properties"] = _importable(resource["Properties"])
    parameters = {"TablePrefix": prefix} | tables_parameters(settings_of(stage))
    bucket = account.stacks.outputs(BOOTSTRAP)["CodeBucket"]
    account.stacks.adopt(f"{prefix}tables", template, parameters, present, bucket)
    account.keep_secret(stage, account.secret(source))

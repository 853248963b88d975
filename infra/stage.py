"""A stage: its settings, and the stacks that make it up."""

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from app import prices
from app.entry.cli.operations.checks import LOW_CONCURRENCY, MORE_CONCURRENCY
from infra import console
from infra.account import Account, secret_name
from infra.function_url import watching_url, without_gateway
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
FRONTS = tuple(prices.FRONT_REQUESTS)
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
    """Returns the application's template with the functions and the front door that the stage's file names.

    The defaults are one function and the HTTP API.

    Raises:
        Failed: the file names others, or sets a parameter that the template does not have.
    """
    settings, template = settings_of(stage), load("template")
    number, front = _choice(stage, "functions", FUNCTIONS), _choice(stage, "front", FRONTS)
    parameters = {*template["Parameters"]}
    template = merged(template) if number == "one" else template
    of_functions = {*template["Parameters"]}
    template = without_gateway(template) if front == "url" else template
    for name in settings.get("application", {}):
        if name not in parameters:
            raise Failed(f"{stage}.toml sets {name}, which the application does not have.")
        if name not in of_functions:
            raise Failed(
                f"{stage}.toml sets {name}, which a stage with one function does not have. Remove it (ApiMemory and "
                f'ApiConcurrency are for all work), or set functions = "three".'
            )
        if name not in template["Parameters"]:
            raise Failed(
                f"{stage}.toml sets {name}, which a function URL does not have. Remove it (a domain or a firewall "
                f'needs CloudFront in front, see infra/README.md), or set front = "api".'
            )
    template = shifted(template, settings["shift"])
    return restored(template) if settings.get("snapstart", False) else template


def _choice(stage: str, name: str, choices: tuple[str, ...]) -> str:
    value = settings_of(stage).get(name, choices[0])
    if value not in choices:
        raise Failed(f'{stage}.toml says {name} = "{value}". Use "{choices[0]}" or "{choices[1]}".')
    return str(value)


def monitoring(template: Template) -> Template:
    """Returns the template of alarms and the dashboard for an application's template."""
    made = watched(load("monitoring")) if len(functions(template)) == 1 else load("monitoring")
    return made if "HttpApi" in template["Resources"] else watching_url(made)


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


def check_front(stage: str) -> str:
    """Returns a warning if nothing limits how many requests run at a time, as a gateway's rate does; empty if not."""
    settings = settings_of(stage)
    if settings.get("front") != "url" or settings.get("application", {}).get("ApiConcurrency"):
        return ""
    return "Nothing limits requests in front of the function's URL. Set ApiConcurrency to limit what they can cost."


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
    for name in in_order(stacks, template, account.stacks.outputs(prefix + "application")):
        body, own = stacks[name]
        print(f"  stack {prefix}{name}")
        account.stacks.apply(prefix + name, body, {"TablePrefix": prefix} | own, code["CodeBucket"], _tags(stage))
    return account.stacks.outputs(prefix + "application")


def in_order(stacks: Iterable[str], template: Template, deployed: Collection[str]) -> list[str]:
    """Returns the names of stacks in the order of their deployment.

    The alarms import outputs of the application, so they are last. If the application is about to lose outputs, they
    are first: CloudFormation removes none that another stack still imports.

    Args:
        stacks: names of stacks.
        template: the application's template.
        deployed: outputs of the application as it is now; empty if it does not exist.
    """
    is_losing = bool({*deployed} - {*template["Outputs"]})
    return sorted(stacks, key="monitoring".__ne__) if is_losing else [*stacks]


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
            account.remove_table(table_name(prefix, key))
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


def table_name(prefix: str, resource: str) -> str:
    return prefix + resource.removesuffix("Table").lower()

"""The checks of `serendip doctor`, of credentials, tables, files, models and keys."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from platform import python_version

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from app.api.application import VERSION
from app.config import Settings
from app.errors import NotFound, SerendipError, WorkerUnavailable
from app.storage import aws
from app.storage.admin import migration, schema
from app.storage.events import EventRow
from app.storage.objects import project_folder
from app.wiring import Wired

ALIAS = "live"
URL_ACTIONS = {"lambda:InvokeFunction", "lambda:InvokeFunctionUrl"}
"""What the policy of a function has to allow everyone who may call its URL."""
DEPLOYED = "Deploy the stage again (`make deploy`)."
LOW_CONCURRENCY = 100
MORE_CONCURRENCY = "Ask AWS for 1,000 (Service Quotas, AWS Lambda, Concurrent executions)."


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    name: str
    good: bool
    detail: str
    advice: str = ""


def examine(wired: Wired) -> Iterator[Finding]:
    settings = wired.services.settings
    releases = (
        f"Serendip {version('serendip')}, API {VERSION}, Python {python_version()}, botocore {version('botocore')}"
    )
    yield Finding("versions", True, releases)
    where = settings.endpoint or f"AWS in {settings.region}"
    yield Finding("settings", True, f"project {settings.project}, tables {settings.table_prefix}* in {where}")
    in_aws = settings.endpoint is None
    if in_aws:
        yield _checked(
            "credentials",
            "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            partial(_caller, settings),
        )
    try:
        differences = migration.differences(wired.database)
    except SerendipError as error:  # no other check can work either
        yield Finding("database", False, str(error), "Check endpoint, region, credentials and the network.")
        return
    for difference in differences:
        yield Finding(difference.table, False, difference.what, difference.advice)
    if not differences:
        yield Finding("tables", True, f"all {len(schema.MODELS)} have their keys, indexes, expiry and stream")
    if in_aws:
        client = wired.database.connection.client
        for model in schema.LASTING:
            name = model.Meta.table_name
            yield _checked(name, DEPLOYED, partial(_protection, client, name))
        yield _checked("stream", DEPLOYED, partial(_stream, client, settings))
        yield _checked("concurrency", "Allow lambda:GetAccountSettings.", partial(_concurrency, settings))
        yield _checked("front", "Allow lambda:GetFunctionUrlConfig and lambda:GetPolicy.", partial(_front, settings))
    yield _files(wired)
    yield _model(wired)
    yield _keys(wired)


def _checked(name: str, advice: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except (BotoCoreError, ClientError) as error:
        return Finding(name, False, str(error), advice)


def _caller(settings: Settings) -> Finding:
    identity = aws.client("sts", settings.region, read_timeout_seconds=10).get_caller_identity()
    return Finding("credentials", True, f"{identity['Arn']} in account {identity['Account']}")


def _protection(client: BaseClient, name: str) -> Finding:
    """Backups and deletion protection of a durable table."""
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    protected = client.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled", False)
    good = recovery == "ENABLED"
    detail = f"point-in-time recovery {recovery}, deletion protection {'on' if protected else 'off'}"
    return Finding(name, good, detail, "" if good else DEPLOYED)


def _stream(client: BaseClient, settings: Settings) -> Finding:
    """Whether a function reads the stream of events: one of its own, or the one that does everything."""
    source = client.describe_table(TableName=EventRow.Meta.table_name)["Table"].get("LatestStreamArn")
    if source is None:
        return Finding("stream", False, "the events have none", DEPLOYED)
    functions = aws.client("lambda", settings.region, read_timeout_seconds=10)
    mappings = functions.list_event_source_mappings(EventSourceArn=source)["EventSourceMappings"]
    states = [f"{mapping['State']} ({mapping.get('LastProcessingResult', 'nothing yet')})" for mapping in mappings]
    good = any(state.startswith("Enabled") for state in states)
    return Finding("stream", good, ", ".join(states) or "no function reads it", "" if good else DEPLOYED)


def _concurrency(settings: Settings) -> Finding:
    """How many executions the account allows at a time; new accounts have 10, which trainings and requests share."""
    limit = aws.client("lambda", settings.region, read_timeout_seconds=10).get_account_settings()["AccountLimit"]
    allowed, free = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    detail = f"the account allows {allowed} executions at a time, {free} of them not reserved"
    return Finding("concurrency", True, detail, MORE_CONCURRENCY if allowed < LOW_CONCURRENCY else "")


def _front(settings: Settings) -> Finding:
    """Whether Lambda lets everyone call the function's URL, if it has one, and how many requests run at a time."""
    functions = aws.client("lambda", settings.region, read_timeout_seconds=10)
    name, missing = f"{settings.table_prefix}api", functions.exceptions.ResourceNotFoundException
    try:
        url = functions.get_function_url_config(FunctionName=name, Qualifier=ALIAS)["FunctionUrl"]
    except missing:
        return Finding("front", True, f"no URL of {name}: requests come through a gateway")
    try:
        policy = json.loads(functions.get_policy(FunctionName=name, Qualifier=ALIAS)["Policy"])
    except missing:
        policy = {"Statement": []}
    public = {part["Action"] for part in policy["Statement"] if part["Principal"] in ("*", {"AWS": "*"})}
    refused = sorted(URL_ACTIONS - public)
    if refused:
        return Finding("front", False, f"Lambda answers 403 at {url}: its policy lacks {', '.join(refused)}", DEPLOYED)
    reserved = functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    advice = "" if reserved else "Set ApiConcurrency: nothing else limits how many requests run at a time."
    return Finding("front", True, f"{url}, concurrency {reserved or 'not'} reserved", advice)


def _files(wired: Wired) -> Finding:
    """The bucket or folder of the files of jobs."""
    folder = wired.services.settings.files
    try:
        wired.services.jobs.objects.list_page(project_folder(wired.services.settings.project), None, 1)
    except WorkerUnavailable:
        return Finding("files", True, "not set up: jobs cannot import or export", "Set SERENDIP_FILES.")
    except SerendipError as error:
        return Finding("files", False, f"{folder}: {error}", DEPLOYED)
    return Finding("files", True, f"jobs keep their files in {folder}")


def _model(wired: Wired) -> Finding:
    project, services = wired.services.settings.project, wired.services
    active = services.rollout.active(project)
    if active is None:
        return Finding("model", True, f"{project} has none yet: popular and latest items are served", "Train a model.")
    try:
        version = services.train.get(project, active.version)
    except NotFound:
        return Finding("model", False, f"{active.version} is active but does not exist", "Activate another.")
    age = services.clock.now() - version.created_at
    return Finding("model", True, f"{active.version} is active, {age.total_seconds() / 3_600:.1f} hours old")


def _keys(wired: Wired) -> Finding:
    project = wired.services.settings.project
    try:
        wired.services.projects.get(project)
    except NotFound:
        return Finding("keys", False, f"there is no project {project}", f"Run `serendip projects create {project}`.")
    now = wired.services.clock.now()
    usable = [key for key in wired.services.keys.list_all(project) if not key.has_ended(now)]
    if usable:
        return Finding("keys", True, f"{project} has {len(usable)} valid")
    return Finding("keys", False, f"{project} has no valid key", f"Run `serendip keys create {project} --scope admin`.")

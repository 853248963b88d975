"""`serendip doctor` says what is wrong and how to mend it; `serendip migrate` adds what tables lack."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from platform import python_version
from typing import Annotated

import orjson
import typer
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session, get_session
from rich.table import Table

from app.api.application import VERSION
from app.config import Settings
from app.entry.cli.terminal import console, services
from app.errors import NotFound, SerendipError, WorkerUnavailable
from app.services.jobs import folder_of
from app.storage.admin import migration, schema
from app.wiring import Wired

DEPLOYED = "Deploy the stage again (`make deploy`)."
STREAM_FUNCTION = "stream:live"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    good: bool
    detail: str
    advice: str = ""


def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Look at credentials, tables, indexes, expiry, streams, backups, files, models, keys; 1 if anything is wrong."""
    with services() as wired:
        findings = list(examine(wired))
    if as_json:
        console.print_json(orjson.dumps([asdict(one) for one in findings]).decode())
    else:
        table = Table("", "", "Found", "What to do")
        for one in findings:
            table.add_row("[green]ok[/]" if one.good else "[red]wrong[/]", one.name, one.detail, one.advice)
        console.print(table)
    if not all(one.good for one in findings):
        sys.exit(1)


def migrate() -> None:
    """Create tables, and give those of earlier releases the indexes, expiry and stream that they lack; no data is lost.

    Tables that CloudFormation owns are changed by `make deploy`.
    """
    with services() as wired:
        done, left = migration.migrate(wired.database), migration.differences(wired.database)
    for one in done:
        console.print(f"Mended: {one}.", highlight=False)
    for difference in left:
        console.print(f"Left: {difference.table} {difference.what}. {difference.advice}", highlight=False)
    if not done and not left:
        console.print("All tables are as they should be.")
    if left:
        sys.exit(1)


def examine(wired: Wired) -> Iterator[Finding]:
    settings = wired.services.settings
    releases = (
        f"Serendip {version('serendip')}, API {VERSION}, Python {python_version()}, botocore {version('botocore')}"
    )
    yield Finding("versions", True, releases)
    where = settings.endpoint or f"AWS in {settings.region}"
    yield Finding("settings", True, f"project {settings.project}, tables {settings.table_prefix}* of {where}")
    in_aws = settings.endpoint is None
    session = get_session()
    if in_aws:
        yield _asked(
            "credentials", "Set AWS_PROFILE, or the variables of an access key.", partial(_caller, session, settings)
        )
    try:
        differences = migration.differences(wired.database)
    except SerendipError as error:  # nothing else can be seen either
        yield Finding("database", False, str(error), "Check endpoint, region, credentials and the network.")
        return
    for one in differences:
        yield Finding(one.table, False, one.what, one.advice)
    if not differences:
        yield Finding("tables", True, f"{len(schema.MODELS)} with keys, indexes, expiry and stream")
    if in_aws:
        client = wired.database.connection.client
        for model in schema.LASTING:
            name = model.Meta.table_name
            yield _asked(name, DEPLOYED, partial(_protection, client, name))
        yield _asked("stream", DEPLOYED, partial(_following, session, settings))
    yield _files(wired)
    yield _model(wired)
    yield _keys(wired)


def _asked(name: str, advice: str, ask: Callable[[], Finding]) -> Finding:
    try:
        return ask()
    except (BotoCoreError, ClientError) as error:
        return Finding(name, False, str(error), advice)


def _caller(session: Session, settings: Settings) -> Finding:
    told = session.create_client("sts", settings.region).get_caller_identity()
    return Finding("credentials", True, f"{told['Arn']} in account {told['Account']}")


def _protection(client: BaseClient, name: str) -> Finding:
    """Of a table that cannot be made anew."""
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    protected = client.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled", False)
    good = recovery == "ENABLED"
    told = f"point-in-time recovery {recovery}, deletion protection {'on' if protected else 'off'}"
    return Finding(name, good, told, "" if good else DEPLOYED)


def _following(session: Session, settings: Settings) -> Finding:
    """Whether the stream function follows the events."""
    name = settings.table_prefix + STREAM_FUNCTION
    told = session.create_client("lambda", settings.region).list_event_source_mappings(FunctionName=name)
    states = [
        f"{one['State']} ({one.get('LastProcessingResult', 'nothing yet')})" for one in told["EventSourceMappings"]
    ]
    good = any(state.startswith("Enabled") for state in states)
    return Finding("stream", good, ", ".join(states) or f"{name} follows nothing", "" if good else DEPLOYED)


def _files(wired: Wired) -> Finding:
    """Where jobs read and write."""
    place = wired.services.settings.files
    try:
        wired.services.jobs.objects.list_page(folder_of(wired.services.settings.project), None, 1)
    except WorkerUnavailable:
        return Finding("files", True, "no place for them: no imports and exports by jobs", "Set SERENDIP_FILES.")
    except SerendipError as error:
        return Finding("files", False, f"{place}: {error}", DEPLOYED)
    return Finding("files", True, f"of jobs are in {place}")


def _model(wired: Wired) -> Finding:
    project, services = wired.services.settings.project, wired.services
    active = services.traffic.active(project)
    if active is None:
        return Finding("model", True, f"{project} has none yet: popular and latest items are served", "Train one.")
    try:
        found = services.train.get(project, active.version)
    except NotFound:
        return Finding("model", False, f"{active.version} is active and not there", "Activate or train another one.")
    age = services.clock() - found.created_at
    return Finding("model", True, f"{active.version} is active, {age.total_seconds() / 3_600:.1f} hours old")


def _keys(wired: Wired) -> Finding:
    project = wired.services.settings.project
    now = wired.services.clock()
    usable = [key for key in wired.services.keys.list_all(project) if not key.has_ended(now)]
    if usable:
        return Finding("keys", True, f"{project} has {len(usable)}")
    return Finding(
        "keys", False, f"{project} has none that can be used", f"Run `serendip keys create {project} --scope admin`."
    )

"""Back up tables: DynamoDB exports them to a bucket as of one instant, and creates tables from such an export.

Neither uses table throughput: an export reads point-in-time recovery, an import creates a new table.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from time import sleep
from typing import Any

import orjson
from pynamodb.models import Model

from app.domain.jobs import StoredFile
from app.domain.paging import every
from app.errors import InvalidInput, NotFound
from app.storage.admin.migration import as_created
from app.storage.admin.schema import LASTING
from app.storage.database import Database, bounded, plain_name
from app.storage.objects import FileStore
from app.storage.pynamo import schema_of
from app.storage.table import iso, moment

FOLDER = "backups"
MANIFESTS = f"{FOLDER}/manifests/"
"""Separate from the exported data, which can be many files."""
LISTED = 1_000
POLL_SECONDS = 2.0
COMPLETED, IN_PROGRESS = "COMPLETED", "IN_PROGRESS"

Report = Callable[[str], None]
"""Receives progress messages."""


@dataclass(frozen=True)
class Backup:
    """An export of the tables that need backups."""

    name: str
    as_of: str
    tables: Mapping[str, str]
    """Where the rows of each table (without its prefix) are in the bucket."""


def export(database: Database, objects: FileStore, bucket: str, report: Report) -> Backup:
    """Exports all tables as of the latest instant that all can be restored to, a few minutes ago.

    The manifest is written last; a backup without it does not count.

    Raises:
        InvalidInput: a table has no point-in-time recovery, or an export failed.
    """
    client = database.connection.client
    with bounded():
        as_of = min(_latest(client, model) for model in LASTING)
        name = f"{as_of.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        started = {}
        for model in LASTING:
            started[plain_name(model)] = client.export_table_to_point_in_time(
                TableArn=client.describe_table(TableName=model.Meta.table_name)["Table"]["TableArn"],
                S3Bucket=bucket,
                S3Prefix=f"{FOLDER}/{name}/{plain_name(model)}",
                ExportFormat="DYNAMODB_JSON",
                ExportTime=as_of,
                ClientToken=f"{name}-{plain_name(model)}",
            )["ExportDescription"]["ExportArn"]
        tables = {}
        for table, arn in started.items():
            done = _ended(partial(client.describe_export, ExportArn=arn), "Export")
            if done["ExportStatus"] != COMPLETED:
                raise InvalidInput(f"The export of {table} failed: {done.get('FailureMessage', done['ExportStatus'])}.")
            tables[table] = f"{FOLDER}/{name}/{table}/AWSDynamoDB/{arn.rpartition('/')[2]}/data/"
            report(f"{table}: {done.get('ItemCount', 0):,} rows, {done.get('BilledSizeBytes', 0):,} bytes")
    backup = Backup(name, iso(as_of), tables)
    objects.write(_manifest(name), orjson.dumps(asdict(backup)))
    return backup


def listed(objects: FileStore) -> Iterator[Backup]:
    """Yields all backups of a bucket, oldest first."""
    for manifest in every(lambda start: objects.list_page(MANIFESTS, start, LISTED)):
        yield _read(objects, manifest)


def _read(objects: FileStore, manifest: StoredFile) -> Backup:
    return Backup(**orjson.loads(objects.read(manifest.name, 0, manifest.bytes)))


def _manifest(name: str) -> str:
    return f"{MANIFESTS}{name}.json"


def restore(database: Database, objects: FileStore, bucket: str, name: str, report: Report) -> Backup:
    """Creates the tables of a backup, with the prefix of this database.

    Raises:
        NotFound: there is no such backup.
        InvalidInput: a table exists, or an import failed.
    """
    size = objects.size(_manifest(name))
    if size is None:
        raise NotFound(f"There is no backup {name} in {bucket}; `serendip backup --list` lists the existing backups.")
    backup = _read(objects, StoredFile(_manifest(name), size))
    client = database.connection.client
    with bounded():
        present = [model.Meta.table_name for model in LASTING if model.exists()]
        if present:
            raise InvalidInput(f"{', '.join(present)} already exist. Restore to another prefix, then switch to it.")
        started = {
            model.Meta.table_name: client.import_table(
                S3BucketSource={"S3Bucket": bucket, "S3KeyPrefix": backup.tables[plain_name(model)]},
                InputFormat="DYNAMODB_JSON",
                InputCompressionType="GZIP",
                TableCreationParameters=_creation(model),
                ClientToken=f"{database.prefix}{name}-{plain_name(model)}",
            )["ImportTableDescription"]["ImportArn"]
            for model in LASTING
            if plain_name(model) in backup.tables
        }
        for table, arn in started.items():
            done = _ended(partial(client.describe_import, ImportArn=arn), "ImportTable")
            if done["ImportStatus"] != COMPLETED:
                raise InvalidInput(f"The import of {table} failed: {done.get('FailureMessage', done['ImportStatus'])}.")
            report(f"{table}: {done.get('ImportedItemCount', 0):,} rows")
    return backup


def _latest(client: Any, model: type[Model]) -> datetime:  # noqa: ANN401 - botocore makes its classes at run time
    name = model.Meta.table_name
    description = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = description.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise InvalidInput(f"{name} has no point-in-time recovery, which exports need. Turn it on.")
    latest = recovery["LatestRestorableDateTime"]
    return latest if isinstance(latest, datetime) else moment(latest)


def _creation(model: type[Model]) -> dict[str, Any]:
    schema = schema_of(model)
    created: dict[str, Any] = {
        "TableName": model.Meta.table_name,
        "AttributeDefinitions": schema["attribute_definitions"],
        "KeySchema": schema["key_schema"],
        "BillingMode": "PAY_PER_REQUEST",
    }
    indexes = list(map(as_created, schema["global_secondary_indexes"]))
    return created | ({"GlobalSecondaryIndexes": indexes} if indexes else {})


def _ended(describe: Callable[[], Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    """Waits for an export or import to end and returns its description."""
    while True:
        description: Mapping[str, Any] = describe()[f"{kind}Description"]
        if description[f"{kind.removesuffix('Table')}Status"] != IN_PROGRESS:
            return description
        sleep(POLL_SECONDS)

"""`serendip backup` and `serendip restore`: DynamoDB's own export to S3 and import from it."""

from typing import Annotated

import typer

from app.config import Settings
from app.entry.cli.terminal import connect_wired, console
from app.entry.errors import SetupError
from app.storage.admin import backups
from app.storage.objects import S3FileStore

Bucket = Annotated[str | None, typer.Option(help="The bucket of the backups. Default: SERENDIP_FILES.")]


def backup(
    bucket: Bucket = None,
    only_list: Annotated[bool, typer.Option("--list", help="List existing backups instead of making one.")] = False,
) -> None:
    """Export all durable tables to a bucket, as of one point in time. Uses none of their read capacity."""
    with connect_wired() as wired:
        name, objects = _bucket(wired.services.settings, bucket)
        if only_list:
            for existing in backups.listed(objects):
                console.print(f"{existing.name}: {len(existing.tables)} tables as of {existing.as_of}")
            return
        exported = backups.export(wired.database, objects, name, console.print)
    console.print(f"Backup {exported.name}, as of {exported.as_of}, in {name}.")


def restore(backup_name: Annotated[str, typer.Argument(metavar="BACKUP")], bucket: Bucket = None) -> None:
    """Create the tables of a backup, named with SERENDIP_TABLE_PREFIX. None of them may exist."""
    with connect_wired() as wired:
        name, objects = _bucket(wired.services.settings, bucket)
        restored = backups.restore(wired.database, objects, name, backup_name, console.print)
    console.print(
        f"Restored {restored.name}. Now run `serendip migrate`: it adds the other tables, and the indexes, expiry and "
        "stream that backups do not contain."
    )


def _bucket(settings: Settings, bucket: str | None) -> tuple[str, S3FileStore]:
    name = bucket or settings.files
    if name is None or "/" in name:
        raise SetupError(
            "Backups are made by DynamoDB in AWS, to a bucket: set --bucket or SERENDIP_FILES. On a laptop, "
            "copy .serendip/databases while nothing is running."
        )
    return name, S3FileStore(name, settings.region)

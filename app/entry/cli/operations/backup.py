"""`serendip backup` and `serendip restore`: DynamoDB's own export to S3 and import from it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from app.entry.cli.terminal import AsJson, connect_wired, console, print_json
from app.entry.errors import SetupError

if TYPE_CHECKING:
    from app.config import Settings
    from app.storage.objects import S3FileStore

Bucket = Annotated[str | None, typer.Option(help="The bucket of the backups. Default: SERENDIP_FILES.")]


def backup(
    bucket: Bucket = None,
    only_list: Annotated[bool, typer.Option("--list", help="List existing backups instead of making one.")] = False,
    as_json: AsJson = False,
) -> None:
    """Export all durable tables to a bucket, as of one point in time. Uses none of their read capacity."""
    from app.storage.admin import backups

    if as_json and not only_list:
        raise typer.BadParameter("--json needs --list.")
    with connect_wired() as wired:
        name, objects = _bucket(wired.services.settings, bucket)
        if only_list:
            listed = list(backups.listed(objects))
            if as_json:
                print_json([asdict(existing) for existing in listed])
                return
            for existing in listed:
                console.print(f"{existing.name}: {len(existing.tables)} tables as of {existing.as_of}")
            return
        exported = backups.export(wired.database, objects, name, console.print)
    console.print(f"Backup {exported.name}, as of {exported.as_of}, in {name}.")


def restore(backup_name: Annotated[str, typer.Argument(metavar="BACKUP")], bucket: Bucket = None) -> None:
    """Create the tables of a backup, named with SERENDIP_TABLE_PREFIX. None of them may exist."""
    from app.storage.admin import backups

    with connect_wired() as wired:
        name, objects = _bucket(wired.services.settings, bucket)
        restored = backups.restore(wired.database, objects, name, backup_name, console.print)
    console.print(
        f"Restored {restored.name}. Now run `serendip migrate`: it adds the other tables, and the indexes, expiry and "
        "stream that backups do not contain."
    )


def _bucket(settings: "Settings", bucket: str | None) -> tuple[str, "S3FileStore"]:
    from app.storage.objects import S3FileStore

    name = bucket or settings.files
    if name is None or "/" in name:
        raise SetupError(
            "Backups are made by DynamoDB in AWS, to a bucket: set --bucket or SERENDIP_FILES. On a laptop, "
            "copy .serendip/databases while nothing is running."
        )
    return name, S3FileStore(name, settings.region)

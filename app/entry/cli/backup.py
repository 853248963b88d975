"""`serendip backup` and `restore`: by DynamoDB's own export and import, in AWS."""

from typing import Annotated

import typer

from app.config import Settings
from app.entry.cli.terminal import console, services
from app.entry.errors import SetupError
from app.storage.admin import backups
from app.storage.objects import S3FileStore

Bucket = Annotated[str | None, typer.Option(help="Where backups are, if not with the files of jobs (SERENDIP_FILES).")]


def backup(
    bucket: Bucket = None,
    only_list: Annotated[bool, typer.Option("--list", help="Make none, and list those that there are.")] = False,
) -> None:
    """Export all tables that last to a bucket, as of one moment; that reads nothing from them."""
    with services() as wired:
        name, objects = _place(wired.services.settings, bucket)
        if only_list:
            for one in backups.listed(objects):
                console.print(f"{one.name}: {len(one.tables)} tables as of {one.as_of}")
            return
        made = backups.export(wired.database, objects, name, console.print)
    console.print(f"Backup {made.name}, as of {made.as_of}, in {name}.")


def restore(backup_name: Annotated[str, typer.Argument(metavar="BACKUP")], bucket: Bucket = None) -> None:
    """Make the tables of a backup, with SERENDIP_TABLE_PREFIX before their names; none may be there."""
    with services() as wired:
        name, objects = _place(wired.services.settings, bucket)
        made = backups.restore(wired.database, objects, name, backup_name, console.print)
    console.print(
        f"Restored {made.name}. `serendip migrate` adds the tables that need no backup, and what is not kept in one."
    )


def _place(settings: Settings, bucket: str | None) -> tuple[str, S3FileStore]:
    name = bucket or settings.files
    if name is None or "/" in name:
        raise SetupError(
            "Backups are made by DynamoDB in AWS, into a bucket (--bucket or SERENDIP_FILES). On a laptop, "
            "copy .serendip/databases while nothing runs."
        )
    return name, S3FileStore(name, settings.region)

"""Says in one sentence what went wrong, for every error that is not a fault of the program."""

import errno
import os
import re
import sqlite3
import tempfile
from pathlib import Path

import typer

from app.domain.fields import ID_PATTERN, ID_RULE, ORIGIN_PATTERN, ORIGIN_RULE
from app.entry.local import disk


def sentence(error: Exception) -> str | None:
    """Returns what to print instead of a traceback. None if the program is at fault.

    Called after a command has failed, so it may load what the command has loaded anyway.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from pydantic import ValidationError

    from app.config import PREFIX
    from app.entry.errors import SetupError
    from app.entry.files.rows import FileError
    from app.entry.local.home import HOME
    from app.errors import SerendipError, Unavailable

    if isinstance(error, (Unavailable, SetupError, sqlite3.Error)) and (full := disk.full(HOME)):
        return str(error) if disk.HOLDS in str(error) else f"{full} {error}"
    match error:
        case sqlite3.Error():
            return f"The database file cannot be used: {error}."
        case SerendipError() | FileError() | SetupError() | BotoCoreError() | ClientError():
            return str(error)
        case ValidationError():
            issues = (
                f"{PREFIX}{'_'.join(map(str, issue['loc'])).upper()}: {issue['msg'].removeprefix('Value error, ')}"
                for issue in error.errors()
            )
            return "; ".join(issues)
        case OSError():
            return _of_the_system(error)
    from_spark = type(error).__module__.startswith("pyspark.")
    return f"Spark: {str(error).strip().splitlines()[0]}" if from_spark else None


def _of_the_system(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"{_full_disk(error.filename)} Then run the command again."
    reason = (error.strerror or str(error)).lower()
    return f"{error.filename}: {reason}." if error.filename else f"The system reports: {reason}."


def _full_disk(file_name: object) -> str:
    """Names the folder of a file, or a folder of the command on a full disk if the system names no file."""
    from app.entry.local.home import HOME

    if isinstance(file_name, str):
        return disk.message(os.path.dirname(os.path.abspath(file_name)))  # noqa: PTH100, PTH120 - may be no path
    folders = Path.cwd(), HOME, Path(tempfile.gettempdir())
    return next(filter(None, map(disk.full, folders)), "A disk is full. Free some space.")


def valid_id(text: str) -> str:
    """Raises BadParameter unless the text can be an id."""
    if not re.fullmatch(ID_PATTERN, text):
        raise typer.BadParameter(f"{text!r} is not a valid id: use {ID_RULE}.")
    return text


def valid_origin(text: str) -> str:
    """Raises BadParameter unless the text is the origin of web pages."""
    if not re.fullmatch(ORIGIN_PATTERN, text):
        raise typer.BadParameter(f"{text!r} is not {ORIGIN_RULE}.")
    return text


def writable_file(path: Path) -> Path:
    """Raises BadParameter unless a file can be written there."""
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a folder; name a file.")
    if not path.parent.is_dir():
        raise typer.BadParameter(f"The folder {path.parent} does not exist.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise typer.BadParameter(f"{path} cannot be written.")
    return path


def readable_path(path: Path) -> Path:
    """Raises BadParameter unless the file or folder exists and can be read."""
    try:
        exists = path.exists()
    except ValueError as error:  # a null character
        raise typer.BadParameter(f"{str(path)!r} is not a path.") from error
    if not exists:
        raise typer.BadParameter(f"{path} does not exist.")
    if not os.access(path, os.R_OK):
        raise typer.BadParameter(f"{path} cannot be read.")
    return path

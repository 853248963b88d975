"""Notices a full disk, which neither SQLite's journal nor DynamoDB Local reports as such."""

import shutil
from pathlib import Path

LEAST_BYTES = 2**20
HOLDS = "The disk that holds"
"""The beginning of each sentence about a full disk."""


def full(folder: Path) -> str | None:
    """Returns a sentence about the disk of a folder if it is full."""
    is_full = folder.exists() and shutil.disk_usage(folder).free < LEAST_BYTES
    return message(folder) if is_full else None


def message(place: object) -> str:
    return f"{HOLDS} {place} is full. Free some space."

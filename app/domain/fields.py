"""Values that fields of all records may take."""

from datetime import UTC, datetime

ID_PATTERN = r"^[A-Za-z0-9._:~|@-]{1,128}$"
"""Ids of items, users, sessions and other resources."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The earliest time of an event, and the default time of records that were not stored yet."""

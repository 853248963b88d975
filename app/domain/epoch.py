"""The earliest time of an event, and the default of records that were not stored yet."""

from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

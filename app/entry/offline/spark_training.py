"""Trains on Spark from exported events: Parquet or JSON Lines files, or DynamoDB's own export to S3."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import PurePosixPath

from pydantic import SecretStr
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - its usual name
from pyspark.sql.types import StringType

from app.config import Settings
from app.entry.errors import SetupError
from app.recommender.events.weights import Weights
from app.recommender.fit import spark
from app.recommender.packing import Packed
from app.recommender.progress import ReportProgress
from app.services.models.training import Engine, Model
from app.storage.admin import schema
from app.storage.database import Database
from app.storage.neighbors import NeighborStore
from app.storage.table import SEPARATOR

UNUSED = SecretStr("workers sign nothing, so they get no secret")
Tables = tuple[str, str | None, str]
"""Region, endpoint and prefix of the tables."""
DEFAULT_TYPE = "view"
NUMBER = r"^\d+(\.\d+)?$"
EXPORTED = "Item struct<owner: struct<S: string>, moment: struct<S: string>, item_id: struct<S: string>, \
event_type: struct<S: string>, value: struct<N: string>>"
"""The fields that are read from a line of DynamoDB's JSON export."""


def engine(session: SparkSession, path: str, settings: Settings) -> Engine:
    """An engine that trains on Spark from a file or folder, and writes the model from Spark's workers."""
    project = settings.project

    def learn(report: ReportProgress, weights: Weights) -> Model:
        read = events(session, path, project)
        return spark.learn(read, neighbors=settings.neighbors, report=report, weights=weights)

    return Engine(learn, partial(_write, (settings.region, settings.endpoint, settings.table_prefix)))


@contextmanager
def session(master: str | None) -> Iterator[SparkSession]:
    """A Spark session on `master` (`local[2]` is two cores of this machine), or on the cluster of `spark-submit`.

    Raises:
        SetupError: this machine has no Java.
    """
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise SetupError("Spark needs a full Java 17 or newer (Debian: apt-get install default-jre-headless).")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("serendip").config("spark.sql.session.timeZone", "UTC")
    if master is not None:
        builder = builder.master(master)
    if master is not None and master.startswith("local"):  # reachable from this machine only
        builder = (
            builder.config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "8")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
        )
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()


def events(session: SparkSession, path: str, project: str) -> DataFrame:
    """The columns user_id, item_id, event_type, value and time (seconds since 1970) of a project's events.

    Args:
        session: Spark.
        path: Parquet or JSON Lines files with the columns of an import, or DynamoDB's export of the events table.
        project: the project whose events are read from an export.

    Raises:
        ValueError: the files lack user_id or item_id.
    """
    name = PurePosixPath(path).name
    if name.endswith((".jsonl", ".ndjson")):
        return _of_columns(session.read.json(path))
    reader = session.read.option("recursiveFileLookup", "true")
    if name.endswith(".parquet") or _holds(session, path, "*.parquet"):
        return _of_columns(reader.option("pathGlobFilter", "*.parquet").parquet(path))
    return _of_export(reader.option("pathGlobFilter", "*.json.gz").schema(EXPORTED).json(path), project)


def _holds(session: SparkSession, path: str, pattern: str) -> bool:
    """Whether a folder, local or remote, has files that match a pattern."""
    reader = session.read.format("binaryFile").option("recursiveFileLookup", "true")
    return not reader.option("pathGlobFilter", pattern).load(path).select("path").isEmpty()


def _of_columns(rows: DataFrame) -> DataFrame:
    missing = {"user_id", "item_id"} - set(rows.columns)
    if missing:
        raise ValueError(f"the files lack the column {' and '.join(sorted(missing))}")

    def optional(name: str, kind: str) -> Column:
        return F.col(name).cast(kind) if name in rows.columns else F.lit(None).cast(kind)

    return rows.select(
        F.col("user_id").cast("string").alias("user_id"),
        F.col("item_id").cast("string").alias("item_id"),
        F.coalesce(optional("event_type", "string"), F.lit(DEFAULT_TYPE)).alias("event_type"),
        optional("value", "double").alias("value"),
        F.coalesce(_seconds(rows), F.lit(0.0)).alias("time"),
    ).where("user_id is not null and item_id is not null")


def _seconds(rows: DataFrame) -> Column:
    """Seconds since 1970 from the column `timestamp`, which has times, ISO 8601 text or seconds."""
    if "timestamp" not in rows.columns:
        return F.lit(None).cast("double")
    column, kind = F.col("timestamp"), rows.schema["timestamp"].dataType
    if isinstance(kind, StringType):
        column = F.when(column.rlike(NUMBER), column.cast("double")).otherwise(F.to_timestamp(column).cast("double"))
    return column.cast("double")


def _of_export(lines: DataFrame, project: str) -> DataFrame:
    """A project's events among all rows of the table, without its list of months."""
    mine = F.col("Item.owner.S").startswith(project + SEPARATOR) & F.col("Item.item_id.S").isNotNull()
    moment = F.substring_index(F.col("Item.moment.S"), SEPARATOR, 1)
    return lines.where(mine).select(
        F.expr(f"substring(Item.owner.S, {len(project) + len(SEPARATOR) + 1})").alias("user_id"),
        F.col("Item.item_id.S").alias("item_id"),
        F.col("Item.event_type.S").alias("event_type"),
        F.col("Item.value.N").cast("double").alias("value"),
        F.to_timestamp(moment).cast("double").alias("time"),
    )


def _write(tables: Tables, project: str, version: str, rows: Packed) -> None:
    """Writes packed rows to the database, from the Spark worker that has them."""
    _neighbors(*tables).put_rows(project, version, rows)


@cache
def _neighbors(region: str, endpoint: str | None, table_prefix: str) -> NeighborStore:
    """One store for all tasks of a worker process."""
    settings = Settings(secret=UNUSED, region=region, endpoint=endpoint, table_prefix=table_prefix)
    return NeighborStore(Database(settings, schema.MODELS))

"""Learning on Spark from exported events: a project's Parquet or JSON Lines files, or DynamoDB's own export to S3."""

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
from app.recommender.fit import spark
from app.recommender.fit.learn import Report
from app.recommender.packing import Packed
from app.services.models.training import Engine, Model
from app.storage.admin import schema
from app.storage.database import Database
from app.storage.neighbors import NeighborStore
from app.storage.table import SEPARATOR

UNUSED = SecretStr("workers sign nothing, and get no secret")
Where = tuple[str, str | None, str]
"""Region, endpoint and prefix of the tables."""
DEFAULT_TYPE = "view"
NUMBER = r"^\d+(\.\d+)?$"
EXPORTED = "Item struct<owner: struct<S: string>, moment: struct<S: string>, item_id: struct<S: string>, \
event_type: struct<S: string>, value: struct<N: string>>"
"""A line of DynamoDB's export in its JSON format, as far as it is read."""


def engine(session: SparkSession, path: str, settings: Settings) -> Engine:
    """Learns on Spark from a file or folder that Spark can read, and writes rows from its workers."""
    project = settings.project

    def learn(report: Report) -> Model:
        return spark.learn(events(session, path, project), neighbors=settings.neighbors, report=report)

    return Engine(learn, partial(_write, (settings.region, settings.endpoint, settings.table_prefix)))


@contextmanager
def session(master: str | None) -> Iterator[SparkSession]:
    """Spark on a cluster whose `spark-submit` started this process, or on a master: `local[2]` is two cores here.

    Raises:
        SetupError: this machine has no Java.
    """
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise SetupError("Spark needs a whole Java 17 or newer (Debian: default-jre-headless).")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("serendip").config("spark.sql.session.timeZone", "UTC")
    if master is not None:
        builder = builder.master(master)
    if master is not None and master.startswith("local"):  # nobody else is to reach it
        builder = (
            builder.config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "8")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
        )
    started = builder.getOrCreate()
    started.sparkContext.setLogLevel("ERROR")
    try:
        yield started
    finally:
        started.stop()


def events(session: SparkSession, path: str, project: str) -> DataFrame:
    """The columns user_id, item_id, event_type, value and time (seconds since 1970) of a project's events.

    Args:
        session: Spark.
        path: Parquet or JSON Lines files with the columns of an import, or DynamoDB's export of the events table.
        project: whose events of an export.

    Raises:
        ValueError: the files do not have the columns.
    """
    name = PurePosixPath(path).name
    if name.endswith((".jsonl", ".ndjson")):
        return _of_columns(session.read.json(path))
    found = session.read.option("recursiveFileLookup", "true")
    if name.endswith(".parquet") or _holds(session, path, "*.parquet"):
        return _of_columns(found.option("pathGlobFilter", "*.parquet").parquet(path))
    return _of_export(found.option("pathGlobFilter", "*.json.gz").schema(EXPORTED).json(path), project)


def _holds(session: SparkSession, path: str, pattern: str) -> bool:
    """Whether a folder, near or far, has such files."""
    reader = session.read.format("binaryFile").option("recursiveFileLookup", "true")
    return not reader.option("pathGlobFilter", pattern).load(path).select("path").isEmpty()


def _of_columns(rows: DataFrame) -> DataFrame:
    missing = {"user_id", "item_id"} - set(rows.columns)
    if missing:
        raise ValueError(f"the files have no column {' or '.join(sorted(missing))}")

    def given(name: str, kind: str) -> Column:
        return F.col(name).cast(kind) if name in rows.columns else F.lit(None).cast(kind)

    return rows.select(
        F.col("user_id").cast("string").alias("user_id"),
        F.col("item_id").cast("string").alias("item_id"),
        F.coalesce(given("event_type", "string"), F.lit(DEFAULT_TYPE)).alias("event_type"),
        given("value", "double").alias("value"),
        F.coalesce(_seconds(rows), F.lit(0.0)).alias("time"),
    ).where("user_id is not null and item_id is not null")


def _seconds(rows: DataFrame) -> Column:
    """The column `timestamp`: a time, its text, or seconds."""
    if "timestamp" not in rows.columns:
        return F.lit(None).cast("double")
    column, kind = F.col("timestamp"), rows.schema["timestamp"].dataType
    if isinstance(kind, StringType):
        column = F.when(column.rlike(NUMBER), column.cast("double")).otherwise(F.to_timestamp(column).cast("double"))
    return column.cast("double")


def _of_export(lines: DataFrame, project: str) -> DataFrame:
    """Events of a project among all rows of the table; its list of months is none of them."""
    mine = F.col("Item.owner.S").startswith(project + SEPARATOR) & F.col("Item.item_id.S").isNotNull()
    moment = F.substring_index(F.col("Item.moment.S"), SEPARATOR, 1)
    return lines.where(mine).select(
        F.expr(f"substring(Item.owner.S, {len(project) + len(SEPARATOR) + 1})").alias("user_id"),
        F.col("Item.item_id.S").alias("item_id"),
        F.col("Item.event_type.S").alias("event_type"),
        F.col("Item.value.N").cast("double").alias("value"),
        F.to_timestamp(moment).cast("double").alias("time"),
    )


def _write(where: Where, project: str, version: str, rows: Packed) -> None:
    """Write packed rows to the database, on whichever machine they are."""
    _neighbors(*where).put_rows(project, version, rows)


@cache
def _neighbors(region: str, endpoint: str | None, table_prefix: str) -> NeighborStore:
    """One for all tasks of a worker process; it signs nothing of ours, and so gets no secret."""
    settings = Settings(secret=UNUSED, region=region, endpoint=endpoint, table_prefix=table_prefix)
    return NeighborStore(Database(settings, schema.MODELS))

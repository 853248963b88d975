"""The bodies of jobs."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from app.api.schemas.fields import Body, DateFormat, Encoding, Id, View
from app.api.schemas.models.versions import TrainingIn
from app.api.schemas.owners import Owner
from app.domain.jobs import IMPORT_FIELDS, PROPERTY, JobKind, JobState, is_import_field

Kind = Field(description="The kind of the job.")
FieldName = Annotated[str, Field(min_length=1, max_length=200)]
ColumnName = Annotated[str, Field(min_length=1, max_length=200)]
FIELD_NAMES = rf"^({'|'.join(IMPORT_FIELDS)}|properties\..+)$"


def valid_mapping(columns: Mapping[str, str]) -> Mapping[str, str]:
    """Raises ValueError unless each column is mapped to one of our fields."""
    for ours, theirs in columns.items():
        if not is_import_field(ours):
            nearest = get_close_matches(ours.lower(), IMPORT_FIELDS, 1, 0.5)
            hint = f" (did you mean {nearest[0]!r}?)" if nearest else ""
            hint = f" (our field stands first: {theirs}={ours})" if theirs in IMPORT_FIELDS else hint
            raise ValueError(f"{ours!r} is not one of our fields{hint}: {', '.join(IMPORT_FIELDS)}, {PROPERTY}NAME")
    return columns


class ImportIn(Body):
    """Import a file, which is PUT to the `upload_url` of the job before the job is started.

    Items and users get the facts of the file and keep their others; empty cells change nothing.
    """

    kind: Annotated[Literal["import"], Kind]
    records: Annotated[
        Literal["events", "items", "users", "events,items"] | None,
        Field(
            description="The records of the file; `events,items` for events with facts of their items, such as a sales "
            "export. Default: they follow from the columns, and if that is not certain, the job fails and asks.",
            examples=["events"],
        ),
    ] = None
    format: Annotated[
        Literal["jsonl", "csv", "tsv", "parquet"] | None,
        Field(
            description="The expected format; the job fails if the file has another one. Default: any of them. `jsonl` "
            "includes an array of objects. All but Parquet may be packed with gzip, Zstandard, bzip2 or xz.",
            examples=["csv"],
        ),
    ] = None
    columns: Annotated[dict[FieldName, ColumnName], AfterValidator(valid_mapping)] = Field(
        default_factory=dict,
        max_length=100,
        description="The column of the file for each field whose column has another name. `properties.NAME` names a "
        "property. Well-known layouts need no mapping.",
        examples=[{"item_id": "sku"}],
        json_schema_extra={"propertyNames": {"maxLength": 200, "pattern": FIELD_NAMES}},
    )
    encoding: Annotated[
        Encoding | None,
        Field(
            description="The encoding of a text, as Python names it. Default: UTF-8, or UTF-16 if the file says so.",
            examples=["cp1251"],
        ),
    ] = None
    time_unit: Annotated[
        Literal["s", "ms", "us", "ns"] | None,
        Field(description="The unit of times that are numbers. Default: it follows from their size.", examples=["ms"]),
    ] = None
    event_type: Annotated[
        Id | None,
        Field(description="The type of events that have none. Default: view.", examples=["purchase"]),
    ] = None
    date_format: Annotated[
        DateFormat | None,
        Field(
            description="How times are written, in codes of strptime. Default: ISO 8601, times since 1970, days with "
            "dots, and days with slashes if some of them show whether the day or the month comes first.",
            examples=["%m/%d/%Y %H:%M"],
        ),
    ] = None
    decimal: Annotated[
        Literal[".", ","],
        Field(
            description="What stands before the fraction of a number in text. With a comma, thousands may have dots.",
            examples=[","],
        ),
    ] = "."
    file_name: Annotated[
        Annotated[str, Field(min_length=1, max_length=200)] | None,
        Field(description="The name of the file, which lists of imports show.", examples=["orders-2026.csv"]),
    ] = None


class ExportIn(Body):
    """Export all items, users and events as files that an import can read."""

    kind: Annotated[Literal["export"], Kind]


class ErasureIn(Owner):
    """Erase a user or a session with any number of events."""

    kind: Annotated[Literal["erasure"], Kind]


class TrainingJobIn(TrainingIn):
    kind: Annotated[Literal["training"], Kind]


JobIn = Annotated[ImportIn | ExportIn | ErasureIn | TrainingJobIn, Field(discriminator="kind")]


class ImportSummary(View):
    """What an import did with the rows of its file so far."""

    kind: Annotated[
        str | None,
        Field(description="The records of the file; null before it was opened.", examples=["events"]),
    ]
    read: Annotated[int, Field(description="The rows that were read.", examples=[1000])]
    loaded: Annotated[int, Field(description="The rows that were loaded.", examples=[980])]
    unchanged: Annotated[
        int,
        Field(
            description="The rows whose item or user was stored before with the same facts. Events are not compared: "
            "those that were stored before count as loaded.",
            examples=[15],
        ),
    ]
    rejected: Annotated[int, Field(description="The rows that were rejected.", examples=[5])]
    skipped: Annotated[
        int,
        Field(
            description="The rows without an item or event, of erased users, or that repeat the header.", examples=[0]
        ),
    ]
    repeated: Annotated[
        int,
        Field(
            description="The rows with an event, item or user of an earlier row, or more: rows are compared with those "
            "shortly before them. Equal events are stored as one; items and users keep the last fact of each column.",
            examples=[3],
        ),
    ]
    records: Annotated[
        dict[str, int],
        Field(
            description="The loaded records by kind; items and users count once for all of their rows.",
            examples=[{"events": 980, "items": 40}],
        ),
    ]
    reasons: Annotated[
        dict[str, int],
        Field(description="How many rows were rejected for which reason.", examples=[{"value: is not a number": 5}]),
    ]
    ignored_columns: Annotated[
        dict[str, str],
        Field(description="The columns that were not used, and why if there is a reason.", examples=[{"comment": ""}]),
    ]
    notes: Annotated[
        list[str], Field(description="How the file was read.", examples=[["recognized as MovieLens ratings"]])
    ]


class JobView(View):
    job_id: Annotated[str, Field(description="The id of the job.", examples=["j20261126T101500123456-a1b2"])]
    kind: Annotated[JobKind, Field(description="The kind of the job.", examples=["export"])]
    state: Annotated[JobState, Field(description="The state of the job.", examples=["running"])]
    progress: Annotated[float, Field(description="The progress from 0 to 1, if it can be estimated.")]
    counts: Annotated[dict[str, int], Field(description="Records by kind.")]
    detail: Annotated[str | None, Field(description="Why the job failed, or a note.")]
    created_at: Annotated[
        datetime, Field(description="The time when the job was created.", examples=["2026-11-24T10:15:00Z"])
    ]
    heartbeat_at: Annotated[datetime, Field(description="The time of the last sign of life.")]
    ended_at: Annotated[
        datetime | None, Field(description="The time when the job ended.", examples=["2026-11-24T10:15:00Z"])
    ]
    request: Annotated[
        dict[str, Any],
        BeforeValidator(asdict),
        Field(description="The request; empty for an erasure, so that it does not name the user."),
    ]
    version: Annotated[str | None, Field(description="The version of a training.")] = None
    import_id: Annotated[
        str | None, Field(description="The id with which `DELETE /v1/imports/{id}` takes back what an import added.")
    ] = None
    receipt_id: Annotated[str | None, Field(description="The receipt of an erasure.")] = None
    summary: Annotated[
        ImportSummary | None, Field(description="What an import did with the rows of its file so far.")
    ] = None
    upload_url: Annotated[
        str | None,
        Field(description="The URL to PUT the file of a waiting import to, without credentials, within an hour."),
    ] = None


class JobPage(BaseModel):
    jobs: Annotated[list[JobView], Field(description="The jobs, newest first.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]


class JobFile(BaseModel):
    name: Annotated[str, Field(description="The name of the file.", examples=["items-0001.jsonl"])]
    bytes: Annotated[int, Field(description="The size in bytes.", examples=[18204])]
    url: Annotated[str, Field(description="The URL of the file, valid for an hour without credentials.")]


class JobFiles(BaseModel):
    files: Annotated[list[JobFile], Field(description="The files.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]

"""The bodies of imports and of their previews."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from app.api.schemas.fields import Body, DateFormat, Encoding, Id, View
from app.domain.jobs import IMPORT_FIELDS, PROPERTY, is_import_field

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


class ImportOptions(Body):
    """How a file is read."""

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
    file_of: Annotated[
        Id | None,
        Field(
            description="The id of an earlier import or preview, to read its file again. Then nothing is uploaded, and "
            "the job starts at once.",
            examples=["j20261126T101500123456-a1b2"],
        ),
    ] = None


class ImportIn(ImportOptions):
    """Import a file, which is PUT to the `upload_url` of the job before the job is started.

    Items and users get the facts of the file and keep their others; empty cells change nothing.
    """

    kind: Annotated[Literal["import"], Kind]


class PreviewIn(ImportOptions):
    """Show what an import with these options would store of the first rows of a file, and store nothing.

    The file is uploaded as for an import, which can read it afterwards (`file_of`).
    """

    kind: Annotated[Literal["preview"], Kind]


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
            description="The rows without an item or event, older than events are kept, of erased users, or that "
            "repeat the header.",
            examples=[0],
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


class PreviewColumn(View):
    name: Annotated[str, Field(description="The name of the column in the file.", examples=["sku"])]
    cells: Annotated[
        list[str | None],
        Field(description="Its cells in the first rows, at most 200 characters of each.", examples=[["S-1", "S-2"]]),
    ]
    means: Annotated[list[str], Field(description="Our fields that it fills.", examples=[["item_id"]])]
    ignored: Annotated[
        str | None,
        Field(description="Why it is not used, or an empty text if we have no such field; null if it is used."),
    ]


class PreviewRecord(View):
    kind: Annotated[str, Field(description="`events`, `items` or `users`.", examples=["events"])]
    fields: Annotated[dict[str, Any], Field(description="Its fields, as in requests that store such a record.")]


class PreviewRow(View):
    line: Annotated[int, Field(description="The line of the file, from 1.", examples=[2])]
    records: Annotated[list[PreviewRecord], Field(description="What would be stored.")]
    reason: Annotated[str | None, Field(description="Why the row would be rejected; null if it would not.")]
    skipped: Annotated[str | None, Field(description="Why the row would be skipped; null if it would not.")]


class ImportChoice(View):
    """Options of an import that answer what it asks, or follow what a note advises."""

    records: Annotated[str | None, Field(description="The value of `records`.", examples=["events"])]
    columns: Annotated[
        dict[str, str] | None, Field(description="An entry of `columns`.", examples=[{"item_id": "sku"}])
    ]
    event_type: Annotated[str | None, Field(description="The value of `event_type`.", examples=["purchase"])]


class PreviewView(View):
    """What an import with the same options would store of the first 10 rows."""

    format: Annotated[str, Field(description="`text`, `jsonl` or `parquet`.", examples=["text"])]
    layout: Annotated[
        str | None, Field(description="The well-known layout, if it is one.", examples=["MovieLens ratings"])
    ]
    columns: Annotated[list[PreviewColumn], Field(description="The columns of the file.")]
    rows: Annotated[list[PreviewRow], Field(description="The first rows; none if something has to be decided first.")]
    summary: Annotated[
        ImportSummary | None,
        Field(description="What would be done with the first 1,000 rows; null if something has to be decided first."),
    ]
    problem: Annotated[str | None, Field(description="What an import would ask, or why it would fail.")]
    choices: Annotated[
        list[ImportChoice], Field(description="The answers that `problem` offers, or else the advice of the notes.")
    ]

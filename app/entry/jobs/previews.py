"""Shows the first rows of an uploaded file as an import would store them, and what it would ask."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

import orjson

from app.domain.jobs import ImportCheckpoint, ImportRequest, ImportSummary, Job, JobState
from app.entry.files import contents
from app.entry.files.columns import Plan
from app.entry.files.contents import Content
from app.entry.files.kinds import YOUR_COLUMN
from app.entry.files.notes import SKIPPED
from app.entry.files.reader import Options, Reader
from app.entry.files.records import CheckedRow
from app.entry.files.rows import FileError, FileRow, Place
from app.entry.files.tables.table import Table
from app.entry.jobs import slices
from app.entry.jobs.imports import options_of
from app.services.bundle import Services
from app.services.jobs import PREVIEW, file_name, upload_name

SHOWN_ROWS = 10
CHECKED_ROWS = 1_000
MOST_CHARACTERS = 200
ADVICE = re.compile(r'"(records|columns|event_type)": (?=["{])')


@dataclass(frozen=True)
class Choice:
    """Options that answer what an import asks, or follow what a note advises."""

    records: str | None = None
    columns: Mapping[str, str] | None = None
    event_type: str | None = None


def step(services: Services, project: str, job: Job) -> Job:
    """Writes the preview beside the file, so that both are deleted after a week: it may name users.

    Raises:
        FileError: the file cannot be read as a table.
    """
    assert isinstance(job.request, ImportRequest)  # noqa: S101 - a preview's
    assert isinstance(job.checkpoint, ImportCheckpoint)  # noqa: S101 - as above
    objects = services.jobs.objects
    content = contents.of_upload(objects, upload_name(project, job), job.checkpoint.size)
    preview = preview_of(content, options_of(job.request), services.events.kept_since())
    objects.write(file_name(project, job, PREVIEW), orjson.dumps(preview, default=str))
    return replace(job, state=JobState.SUCCEEDED)


def preview_of(content: Content, options: Options, since: datetime | None) -> dict[str, Any]:
    """Returns the fields of `app.api.schemas.imports.PreviewView`; events before `since` are left out.

    Raises:
        FileError: the file cannot be read as a table.
    """
    table = Table(content, options.encoding)
    try:
        reader = Reader(content, options)
    except FileError as error:
        return _undecided(table, error)
    types = reader.new_types()
    with closing(reader.rows(Place())) as rows:
        raw = list(islice(rows, CHECKED_ROWS))
    for row in raw:
        types.see(row)
    part, shown = slices.Slice(since=since), list[CheckedRow]()
    for checked in reader.checked(iter(raw), types):
        part.add(checked)
        if len(shown) < SHOWN_ROWS:
            shown.append(part.kept(checked))
    plan, summary = reader.plan, part.summary
    slices.check(part, plan.kind)
    notes = reader.notes(types, summary.marks, summary.read)
    return {
        "format": table.format,
        "layout": plan.layout.name or None,
        "columns": _columns(table.names, _first_rows(table), plan),
        "rows": [_shown(row) for row in shown],
        "summary": asdict(
            ImportSummary(
                kind=plan.kind,
                read=summary.read,
                loaded=summary.loaded,
                unchanged=summary.unchanged,
                rejected=summary.rejected,
                skipped=summary.skipped,
                repeated=summary.repeated,
                records=dict(summary.records),
                reasons=dict(summary.reasons),
                ignored_columns=plan.ignored,
                notes=notes,
            )
        ),
        "problem": None,
        "choices": [asdict(choice) for note in notes for choice in choices_in(note)],
    }


def choices_in(text: str) -> Iterator[Choice]:
    """Yields the options that an error or a note of a job advises, each as it stands there in JSON."""
    end = 0
    while match := ADVICE.search(text, end):
        value, end = json.JSONDecoder().raw_decode(text, match.end())
        if not isinstance(value, dict) or YOUR_COLUMN not in value.values():
            yield Choice(**{match[1]: value})


def _undecided(table: Table, error: FileError) -> dict[str, Any]:
    """The preview of a file that leaves an import in doubt."""
    return {
        "format": table.format,
        "layout": None,
        "columns": _columns(table.names, _first_rows(table), None),
        "rows": [],
        "summary": None,
        "problem": str(error),
        "choices": [asdict(choice) for choice in choices_in(str(error))],
    }


def _first_rows(table: Table) -> list[FileRow]:
    """The first rows with all columns; none if they cannot be decoded."""
    try:
        with closing(table.rows_of(Place(), table.names)) as rows:
            return list(islice(rows, SHOWN_ROWS))
    except FileError:  # the error of the reader says so
        return []


def _columns(names: Sequence[str], rows: Sequence[FileRow], plan: Plan | None) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "cells": [_text(row.fields.get(name)) for row in rows],
            "means": _meanings(name, names, plan) if plan else [],
            "ignored": plan.ignored.get(name) if plan else None,
        }
        for name in names
    ]


def _meanings(name: str, names: Sequence[str], plan: Plan) -> list[str]:
    """Our fields that a column fills."""
    fields = [ours for ours, columns in plan.fields.items() if name in columns]
    fields += [f"properties.{ours}" for ours, column in plan.properties.items() if column == name]
    fields += [f"properties.{ours}" for ours in plan.more_properties(names) if ours == name]
    return fields or (["categories"] if name in plan.layout.flags else [])


def _shown(checked: CheckedRow) -> dict[str, Any]:
    return {
        "line": checked.row.number,
        "records": [
            {"kind": record.kind, "fields": record.body.model_dump(mode="json", exclude_unset=True)}
            for record in checked.records
        ],
        "reason": checked.reason.text if checked.reason else None,
        "skipped": SKIPPED[checked.skipped][0] if checked.skipped else None,
    }


def _text(cell: object) -> str | None:
    if cell is None:
        return None
    text = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, default=str)
    return text[:MOST_CHARACTERS]

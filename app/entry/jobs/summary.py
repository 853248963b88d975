"""Counts what an import did with the rows of a file, and decides whether it succeeded."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.entry.files.layouts.layout import BOTH, EVENTS, ITEMS, USERS
from app.entry.files.notes import AGE, SKIPPED
from app.entry.files.records import TOO_OLD

MOST_REJECTED = 0.1
"""An import has failed if a larger share of the rows is rejected."""
MOST_REASONS = 50
SHOWN_REASONS = 5
SHOWN_COLUMNS = 20
COUNTERS = ("records", "reasons", "marks")
NO_ROWS = "The file has no rows."
FACTS = "rows with facts of items"
NOUNS = {"rows": "row", EVENTS: "event", ITEMS: "item", USERS: "user", FACTS: "row with facts of an item"}
"""The singular of what is counted."""
REPEATED = {
    EVENTS: "an event (user, item, type, value and time), which is stored once",
    ITEMS: "an item; of different facts in a column, the last counts",
    USERS: "a user; of different facts in a column, the last counts",
}


@dataclass
class Summary:
    """The rows of one file. Each row is loaded, unchanged, rejected or skipped."""

    read: int = 0
    unchanged: int = 0
    """Rows whose item or user was already stored with the same facts. Events are written without being compared."""
    rejected: int = 0
    skipped: int = 0
    """Rows without an item or event, older than events are kept, of erased users, or that repeat the header."""
    slices: int = 0
    """The slices of the file so far, whose rows are compared with each other only."""
    repeated: int = 0
    """Rows with an event, item or user of an earlier row. Equal events are stored as one; items and users keep the last
    fact of each column. Compared are the rows shortly before and, for items and users, what the import created."""
    without_owner: int = 0
    """Loaded rows of events that have no user and gave only facts of their item."""
    records: Counter[str] = field(default_factory=Counter)
    """Records by kind that the loaded rows contain: events by row, items and users once for all of their rows."""
    reasons: Counter[str] = field(default_factory=Counter)
    """How many rows were rejected for which reason."""
    marks: Counter[str] = field(default_factory=Counter)
    """How many rows and records have a mark of which the notes speak."""

    @property
    def loaded(self) -> int:
        return self.read - self.unchanged - self.rejected - self.skipped

    def reject(self, problem: str) -> None:
        self.rejected += 1
        if problem in self.reasons or len(self.reasons) < MOST_REASONS:
            self.reasons[problem] += 1

    def add(self, other: "Summary") -> None:
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)

    @property
    def failure(self) -> str | None:
        """Why the import has failed. None if it succeeded."""
        if not self.read:
            return NO_ROWS
        if self.loaded + self.unchanged == 0:
            return f"Nothing was loaded: {self._most_frequent()}."
        if self.rejected > self.read * MOST_REJECTED:
            return f"{self.rejected:,} of {self.read:,} rows were rejected, more than a tenth: {self._most_frequent()}."
        return None

    def counts(self) -> dict[str, int]:
        """The counts that a job shows."""
        return {
            "read": self.read,
            "loaded": self.loaded,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "skipped": self.skipped,
            **self.records,
        }

    def facts(self) -> dict[str, Any]:
        """Everything, as JSON for a checkpoint."""
        return {**vars(self), **{name: dict(getattr(self, name)) for name in COUNTERS}}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Summary":
        """The reverse of `facts`."""
        if not facts:
            return cls()
        counters = {name: Counter(facts[name]) for name in COUNTERS}
        return cls(**{**facts, **counters})

    def _most_frequent(self) -> str:
        old = self.marks[TOO_OLD]
        skipped = (
            (f"the events are {AGE}", old) if old > self.skipped // 2 else ("no row is about an item", self.skipped)
        )
        (problem, count), *_ = self.reasons.most_common(1) or [skipped]
        return f"{problem} ({count:,} {'row' if count == 1 else 'rows'})"


def lines(name: str, kind: str, summary: Summary, ignored: Mapping[str, str], notes: Sequence[str]) -> list[str]:
    """Returns the summary of a file as text."""
    records = sorted(summary.records.items())
    shown = [_counted(count, FACTS if kind == BOTH and record == ITEMS else record) for record, count in records]
    loaded = ", ".join(shown) or "nothing"
    counts = [f"{loaded} loaded"]
    if kind in {ITEMS, USERS}:
        counts.append(f"{summary.unchanged:,} unchanged")
    counts.append(f"{summary.rejected:,} rejected")
    if summary.skipped:
        counts.append(f"{summary.skipped:,} skipped")
    text = [f"{name}: {_counted(summary.read, 'rows')} read, {', '.join(counts)}."]
    if erased := summary.skipped - sum(summary.marks[mark] for mark in SKIPPED):
        are = "is of an erased user and is" if erased == 1 else "are of erased users and are"
        text.append(f"  {_counted(erased, 'rows')} {are} skipped")
    if summary.repeated:
        repeat = "repeats" if summary.repeated == 1 else "repeat"
        at_least = "at least " if summary.slices > 1 else ""
        rows = _counted(summary.repeated, "rows")
        text.append(f"  {at_least}{rows} {repeat} {REPEATED.get(kind, REPEATED[EVENTS])}")
    if summary.without_owner:
        have, theirs = ("has", "its item") if summary.without_owner == 1 else ("have", "their items")
        text.append(f"  {_counted(summary.without_owner, 'rows')} {have} no user and gave facts of {theirs} only")
    text += [f"  {count:,} x {problem}" for problem, count in summary.reasons.most_common(SHOWN_REASONS)]
    if ignored:
        columns = [f"{column} ({why})" if why else column for column, why in ignored.items()]
        more = f" and {len(columns) - SHOWN_COLUMNS} more" if len(columns) > SHOWN_COLUMNS else ""
        text.append(f"  Ignored columns: {', '.join(columns[:SHOWN_COLUMNS])}{more}")
    return text + [f"  Note: {note}" for note in notes]


def _counted(count: int, noun: str) -> str:
    return f"1 {NOUNS[noun]}" if count == 1 else f"{count:,} {noun}"

"""Says why a row is rejected: the field, its value, and what would be right."""

from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.domain.fields import ID_RULE
from app.entry.files.cells.values import BadCell

MOST_CHARACTERS = 60
IDS = {"user_id", "session_id", "item_id", "event_id", "event_type"}
VALID_ID = f"is not a valid id: use {ID_RULE}, and replace other characters wherever the id stands"
CONTROL = "contains a line break or another control character"


@dataclass(frozen=True)
class Reason:
    """Why a row is rejected."""

    problem: str
    """The same for all rows with this problem."""
    text: str
    """The problem with the value of this row."""


def of_row(error: str) -> Reason:
    return Reason(f"the row {error}", f"the row {error}")


def of_cell(error: BadCell) -> Reason:
    return _reason(error.column, error.value, error.problem)


def of_validation(error: ValidationError) -> Reason:
    """The reason for the first invalid field."""
    issue = error.errors(include_url=False)[0]
    if not issue["loc"]:
        return of_row(_message(issue))
    return _reason(str(issue["loc"][0]), issue["input"], _problem(str(issue["loc"][0]), issue))


def missing(field: str) -> Reason:
    return Reason(f"{field} is empty", f"{field} is empty")


def _reason(field: str, value: object, problem: str) -> Reason:
    return Reason(f"{field}: {problem}", f"{field}: {_shown(value)} {problem}")


def _problem(field: str, issue: ErrorDetails) -> str:
    limits, value = issue.get("ctx", {}), issue["input"]
    match issue["type"]:
        case "string_pattern_mismatch":
            return VALID_ID if field in IDS else CONTROL
        case "string_too_long":
            return f"has {len(value):,} characters; at most {limits['max_length']:,} are allowed"
        case "string_too_short":
            return "is empty"
        case "too_long":
            return f"has {len(value):,} entries; at most {limits['max_length']:,} are allowed"
        case "missing":
            return "is missing"
    return _message(issue)


def _message(issue: ErrorDetails) -> str:
    return issue["msg"].removeprefix("Value error, ").removeprefix("Input ")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}..."

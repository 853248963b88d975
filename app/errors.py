"""Everything that can go wrong, drawn once. No HTTP in here: `api.problems` gives each class its status.

SerendipError
├── InvalidInput            what was sent cannot be accepted; `errors` names each bad place
│   └── InvalidCursor       the cursor is tampered with or belongs to another listing
├── NotFound                there is no such item, user or model version
├── Conflict                the request was overtaken by another one
│   ├── NotActivatable      the model version has not been published
│   └── NotTrainable        there is too little to learn from
├── Unavailable             the database cannot be reached or is throttled; try again
│   └── DeadlineExceeded    the request's time was used up
├── TrainingUnavailable     this deployment has nothing that could run a training
└── Cancelled               somebody asked for this training to stop
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad place of the input: a JSON pointer into the body, or the name of a parameter."""

    pointer: str
    detail: str


class SerendipError(Exception):
    """The root: `detail` is fit for the caller's eyes."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidInput(SerendipError):
    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.errors = errors


class InvalidCursor(InvalidInput): ...


class NotFound(SerendipError): ...


class Conflict(SerendipError): ...


class NotActivatable(Conflict): ...


class NotTrainable(Conflict): ...


class Unavailable(SerendipError): ...


class DeadlineExceeded(Unavailable): ...


class TrainingUnavailable(SerendipError): ...


class Cancelled(SerendipError): ...

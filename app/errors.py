"""Everything that can go wrong, drawn once. No HTTP in here: `api.problems` gives each class its status.

SerendipError
├── InvalidInput            what was sent cannot be accepted; `errors` names each bad place
│   ├── InvalidToken        a cursor or freshness token is tampered with or belongs elsewhere
│   └── KeyReused           this Idempotency-Key came with another request before
├── Unauthenticated         there are no credentials, or none that are valid
├── Forbidden               the credentials do not allow this
├── LimitExceeded           the key's rate or daily quota is used up
├── NotFound                there is no such item, user, key, project or model version
├── Conflict                the request was overtaken by another one
│   ├── NotActivatable      the model version has not been published
│   ├── NotEnoughData       there are too few events to train a model version
│   ├── TrainingTooSlow     the training does not fit the time of a worker
│   ├── InFlight            a request with this Idempotency-Key is being answered
│   ├── Exists              there is one with this id already
│   └── Erased              this user was erased and must not come back unasked
├── PreconditionFailed      If-Match or If-None-Match does not hold
├── PreconditionRequired    this deployment wants If-Match before it changes anything
├── Unavailable             the database cannot be reached or is throttled; try again
│   ├── DeadlineExceeded    the request's time was used up
│   └── Overloaded          too many requests are being answered; this one was not begun
├── WorkerUnavailable       this deployment has nothing that could do a job
├── OutOfTime               this process has too little time left for it; another one can go on
└── Cancelled               somebody asked for this job to stop
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


class InvalidToken(InvalidInput): ...


class KeyReused(InvalidInput): ...


class Unauthenticated(SerendipError): ...


class Forbidden(SerendipError): ...


class LimitExceeded(SerendipError):
    def __init__(self, detail: str, policy: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.policy, self.retry_after_seconds = policy, retry_after_seconds


class NotFound(SerendipError): ...


class Conflict(SerendipError): ...


class NotActivatable(Conflict): ...


class NotEnoughData(Conflict): ...


class TrainingTooSlow(Conflict): ...


class InFlight(Conflict): ...


class Exists(Conflict): ...


class Erased(Conflict):
    def __init__(self, positions: tuple[int, ...], records: int = 1) -> None:
        """`positions` are those of the records of erased users among all records of the request, from 0."""
        shown = ", ".join(map(str, positions[:20]))
        which = "The user was" if records == 1 else f"The users of records {shown} (positions count from 0) were"
        super().__init__(f"{which} erased. Nothing was stored.")
        self.positions = positions


class PreconditionFailed(SerendipError): ...


class PreconditionRequired(SerendipError): ...


class Unavailable(SerendipError): ...


class DeadlineExceeded(Unavailable): ...


class Overloaded(Unavailable): ...


class WorkerUnavailable(SerendipError): ...


class OutOfTime(SerendipError): ...


class Cancelled(SerendipError): ...

"""The errors of the project in one tree. They know no HTTP: `app.api.http.problems` gives each class its status.

SerendipError
├── InvalidInput            the input is invalid; `errors` names each bad field
│   ├── InvalidToken        a cursor or token was changed or belongs to another project or list
│   └── KeyReused           the Idempotency-Key was already sent with a different request
├── Unauthenticated         there are no credentials, or they are invalid
├── Forbidden               the credentials do not allow the operation
├── LimitExceeded           the rate or the daily quota of the key is used up
├── NotFound                the item, user, key, project or model version does not exist
├── Conflict                another request was faster
│   ├── NotActivatable      the model version has not been published
│   ├── NotEnoughData       there are too few events to train a model version
│   ├── TrainingTooSlow     the training does not fit the time of a worker
│   ├── InFlight            a request with the same Idempotency-Key is in progress
│   ├── Exists              the id is already taken
│   └── Erased              the user was erased and has not been readmitted
├── PreconditionFailed      If-Match or If-None-Match does not match
├── PreconditionRequired    this deployment requires If-Match for changes
├── Unavailable             the database is unreachable or throttled; try again
│   ├── IssuerUnavailable   the issuer of a token does not answer, and its keys are not known
│   ├── DeadlineExceeded    the time for the request is used up
│   └── Overloaded          there are too many requests; this one was not started
├── WorkerUnavailable       this deployment has no worker, or no storage for files
├── OutOfTime               this process has too little time left; another one can continue
└── Cancelled               the job was cancelled
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field of the input: a JSON pointer into the body, or the name of a parameter."""

    pointer: str
    detail: str


class SerendipError(Exception):
    """The root of the tree; callers can see `detail`."""

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


class Forbidden(SerendipError):
    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.errors = errors


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
    def __init__(self, positions: tuple[int, ...], users: int = 1) -> None:
        """`positions` are those of the records of erased users among all records of the request, from 0.

        `users` is how many users the records have.
        """
        shown = ", ".join(map(str, positions[:20]))
        which = "The user was" if users == 1 else f"The users of records {shown} (positions count from 0) were"
        super().__init__(f"{which} erased. Nothing was stored.")
        self.positions = positions


class PreconditionFailed(SerendipError): ...


class PreconditionRequired(SerendipError): ...


class Unavailable(SerendipError): ...


class IssuerUnavailable(Unavailable): ...


class DeadlineExceeded(Unavailable): ...


class Overloaded(Unavailable): ...


class WorkerUnavailable(SerendipError): ...


class OutOfTime(SerendipError): ...


class Cancelled(SerendipError): ...

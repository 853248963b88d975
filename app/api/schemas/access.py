"""The bodies of what administers: keys, projects, user tokens, receipts, usage."""

from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.api.schemas.events import EventView
from app.api.schemas.fields import WHOLE, Body, Future, Id, Patch, Title, View
from app.api.schemas.items import ItemView
from app.api.schemas.users import UserView
from app.domain.access import ApiKey, Limits, Project, ProjectState, Scope
from app.domain.users import of_session
from app.services.access.secret_keys import KEY_ID_PATTERN

ORIGIN_PATTERN = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$"
Origin = Annotated[str, StringConstraints(pattern=ORIGIN_PATTERN)]
MOST_OVERLAP_SECONDS = 30 * 86_400
LONGEST_TOKEN_SECONDS = 86_400
EXAMPLE_KEY = "sk_" + "x" * 51


class LimitsIn(Body):
    """Without a number there is no limit."""

    requests_per_second: Annotated[float | None, Field(ge=0.01, le=100_000, strict=False)] = None
    burst: Annotated[
        Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None, Field(description="Requests that may come at once.")
    ] = None
    requests_per_day: Annotated[int, Field(ge=1, le=1_000_000_000), WHOLE] | None = None

    def record(self) -> Limits:
        return Limits(self.requests_per_second, self.burst, self.requests_per_day)


class LimitsView(View):
    requests_per_second: float | None
    burst: int | None
    requests_per_day: int | None


class KeyIn(Body):
    name: Annotated[Title, Field(max_length=100, examples=["shop backend"])]
    scopes: Annotated[
        list[Annotated[Scope, Field(strict=False)]],
        Field(min_length=1, max_length=3, description="`admin` includes `write`, which includes `recommend`."),
    ]
    expires_at: Future | None = None
    origins: Annotated[
        tuple[Origin, ...],
        Field(max_length=20, strict=False, description="Web origins that it may be used from; none is anywhere."),
    ] = ()
    needs_user_token: Annotated[
        bool, Field(description="It reads a user's list only together with a token of that user.")
    ] = False
    limits: Annotated[LimitsIn | None, Field(description="Left out: those of the project.")] = None


class LimitedPatch(Patch):
    limits: LimitsIn = Field(default_factory=LimitsIn)

    def changes(self) -> dict[str, Any]:
        given = super().changes()
        return given | ({"limits": self.limits.record()} if "limits" in given else {})


class KeyPatch(LimitedPatch):
    """What is left out stays as it is."""

    name: Annotated[Title, Field(max_length=100)] = ""
    expires_at: Future | None = None
    origins: Annotated[tuple[Origin, ...], Field(max_length=20, strict=False)] = ()


class RotationIn(Body):
    overlap_seconds: Annotated[
        int, Field(ge=0, le=MOST_OVERLAP_SECONDS, description="For how long the old key goes on."), WHOLE
    ] = 86_400


class KeyView(BaseModel):
    key_id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used: Annotated[date | None, Field(description="The day (UTC), some seconds late.")]
    origins: tuple[str, ...]
    needs_user_token: bool
    limits: LimitsView

    @classmethod
    def of(cls, key: ApiKey) -> "KeyView":
        return cls(**_facts(key))


class NewKeyView(KeyView):
    key: Annotated[str, Field(description="Shown here only: keep it now.", examples=[EXAMPLE_KEY])]

    @classmethod
    def with_text(cls, key: ApiKey, text: str) -> "NewKeyView":
        return cls(**_facts(key), key=text)


def _facts(key: ApiKey) -> dict[str, Any]:
    facts = {name: getattr(key, name) for name in KeyView.model_fields}
    return {**facts, "scopes": sorted(key.scopes), "limits": LimitsView.model_validate(key.limits)}


class KeyList(BaseModel):
    keys: list[KeyView]


class ProjectIn(Body):
    project_id: Id
    name: Annotated[Title | None, Field(examples=["Shop, production"])] = None
    limits: Annotated[LimitsIn | None, Field(description="Of its keys that are made without limits.")] = None


class ProjectPatch(LimitedPatch):
    """What is left out stays as it is."""

    name: Title | None = None


class ReceiptView(View):
    receipt_id: str
    started_at: datetime
    removed: Annotated[dict[str, int], Field(description="Records by kind.")]
    complete: bool
    completed_at: datetime | None


class ProjectView(BaseModel):
    project_id: str
    name: str | None
    state: ProjectState
    created_at: datetime
    limits: LimitsView
    deletion: ReceiptView | None

    @classmethod
    def of(cls, project: Project) -> "ProjectView":
        return cls(
            project_id=project.project_id,
            name=project.name,
            state=project.state,
            created_at=project.created_at,
            limits=LimitsView.model_validate(project.limits),
            deletion=ReceiptView.model_validate(project.deletion) if project.deletion else None,
        )


class NewProjectView(BaseModel):
    project: ProjectView
    key: Annotated[NewKeyView, Field(description="The project's first admin key, shown here only.")]


class ProjectPage(BaseModel):
    projects: list[ProjectView]
    next_cursor: str | None


class UserTokenIn(Body):
    expires_in_seconds: Annotated[int, Field(ge=1, le=LONGEST_TOKEN_SECONDS), WHOLE] = 3_600
    key_id: Annotated[
        Annotated[str, StringConstraints(pattern=KEY_ID_PATTERN)] | None,
        Field(description="The key whose origins and limits hold for the token, and with which it ends; else yours."),
    ] = None


class UserTokenView(BaseModel):
    token: Annotated[str, Field(description="Send it as `Authorization: Bearer ...`.")]
    expires_at: datetime


class TicketIn(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "required": ["user_id", "session_id"],
                "properties": {"user_id": {"type": "string"}, "session_id": {"type": "string"}},
            }
        }
    )

    user_id: Annotated[Id | None, Field(description="The only user whose list the socket gets.")] = None
    session_id: Annotated[Id | None, Field(description="The only session whose list it gets.")] = None

    @model_validator(mode="after")
    def one(self) -> Self:
        if self.user_id is not None and self.session_id is not None:
            raise ValueError("takes a user_id or a session_id, not both")
        return self

    @property
    def owner(self) -> str | None:
        return self.user_id if self.session_id is None else of_session(self.session_id)


class TicketView(BaseModel):
    ticket: Annotated[str, Field(description="Connect to the socket's address with `?ticket=` and this.")]
    expires_at: datetime


class UserExport(BaseModel):
    profile: UserView | None
    events: list[EventView]
    next_cursor: str | None


class ProjectExport(BaseModel):
    """One kind of records a page."""

    items: list[ItemView] = Field(default_factory=list)
    users: list[UserView] = Field(default_factory=list)
    events: list[EventView] = Field(default_factory=list)
    next_cursor: str | None


class UsageDay(BaseModel):
    day: date
    requests: int
    events: int
    recommendations: int
    read_units: float
    write_units: float
    estimated_usd: float


class UsageView(BaseModel):
    days: list[UsageDay]
    estimated_usd: float
    prices_as_of: Annotated[
        str, Field(description="The day of the public us-east-1 prices that the estimate is made of.")
    ]

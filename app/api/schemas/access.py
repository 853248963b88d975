"""The bodies of keys, projects, tokens, receipts, exports and usage."""

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
    """Limits; null means no limit."""

    requests_per_second: Annotated[float | None, Field(ge=0.01, le=100_000, strict=False)] = None
    burst: Annotated[
        Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None,
        Field(description="The number of requests that can come at once."),
    ] = None
    requests_per_day: Annotated[int, Field(ge=1, le=1_000_000_000), WHOLE] | None = None

    def record(self) -> Limits:
        return Limits(self.requests_per_second, self.burst, self.requests_per_day)


class LimitsView(View):
    requests_per_second: Annotated[
        float | None, Field(description="The sustained rate; null for no limit.", examples=[50.0])
    ]
    burst: Annotated[int | None, Field(description="The number of requests that can come at once.", examples=[100])]
    requests_per_day: Annotated[int | None, Field(description="The daily quota; null for no limit.", examples=[100000])]


class KeyIn(Body):
    name: Annotated[Title, Field(max_length=100, examples=["shop backend"])]
    scopes: Annotated[
        list[Annotated[Scope, Field(strict=False)]],
        Field(min_length=1, max_length=3, description="`admin` includes `write`, which includes `recommend`."),
    ]
    expires_at: Future | None = None
    origins: Annotated[
        tuple[Origin, ...],
        Field(max_length=20, strict=False, description="The web origins that can use the key; empty for all."),
    ] = ()
    needs_user_token: Annotated[
        bool, Field(description="Whether recommendations of a user need a token of that user.")
    ] = False
    limits: Annotated[LimitsIn | None, Field(description="The limits of the key; the default is the project's.")] = None


class LimitedPatch(Patch):
    limits: LimitsIn = Field(default_factory=LimitsIn)

    def changes(self) -> dict[str, Any]:
        changes = super().changes()
        return changes | ({"limits": self.limits.record()} if "limits" in changes else {})


class KeyPatch(LimitedPatch):
    """The fields to change; other fields keep their values."""

    name: Annotated[Title, Field(max_length=100)] = ""
    expires_at: Future | None = None
    origins: Annotated[tuple[Origin, ...], Field(max_length=20, strict=False)] = ()


class RotationIn(Body):
    overlap_seconds: Annotated[
        int, Field(ge=0, le=MOST_OVERLAP_SECONDS, description="The seconds for which the old key stays valid."), WHOLE
    ] = 86_400


class KeyView(BaseModel):
    key_id: Annotated[str, Field(description="The id of the key.", examples=["a1b2c3d4e5f6"])]
    name: Annotated[str, Field(description="The name.", examples=["shop backend"])]
    scopes: Annotated[list[Scope], Field(description="The scopes.", examples=[["write"]])]
    created_at: Annotated[
        datetime, Field(description="The time when the key was created.", examples=["2026-11-24T10:15:00Z"])
    ]
    expires_at: Annotated[datetime | None, Field(description="The time when the key expires.")]
    revoked_at: Annotated[datetime | None, Field(description="The time when the key was revoked.")]
    last_used: Annotated[date | None, Field(description="The day (UTC) of the last use, a few seconds late.")]
    origins: Annotated[
        tuple[str, ...],
        Field(description="The web origins that can use the key; empty for all.", examples=[["https://shop.example"]]),
    ]
    needs_user_token: Annotated[
        bool, Field(description="Whether recommendations of a user need a token of that user.", examples=[False])
    ]
    limits: Annotated[LimitsView, Field(description="The limits of the key.")]

    @classmethod
    def of(cls, key: ApiKey) -> "KeyView":
        return cls(**_fields(key))


class NewKeyView(KeyView):
    key: Annotated[str, Field(description="The key. Store it now: it is not shown again.", examples=[EXAMPLE_KEY])]

    @classmethod
    def with_text(cls, key: ApiKey, text: str) -> "NewKeyView":
        return cls(**_fields(key), key=text)


def _fields(key: ApiKey) -> dict[str, Any]:
    fields = {name: getattr(key, name) for name in KeyView.model_fields}
    return {**fields, "scopes": sorted(key.scopes), "limits": LimitsView.model_validate(key.limits)}


class KeyList(BaseModel):
    keys: Annotated[list[KeyView], Field(description="The keys, oldest first.")]


class ProjectIn(Body):
    project_id: Id
    name: Annotated[Title | None, Field(examples=["Shop, production"])] = None
    limits: Annotated[LimitsIn | None, Field(description="The limits of keys that are created without limits.")] = None


class ProjectPatch(LimitedPatch):
    """The fields to change; other fields keep their values."""

    name: Title | None = None


class ReceiptView(View):
    receipt_id: Annotated[str, Field(description="The id of the receipt.")]
    started_at: Annotated[
        datetime, Field(description="The time of the first request.", examples=["2026-11-24T10:15:00Z"])
    ]
    removed: Annotated[dict[str, int], Field(description="The number of removed records by kind.")]
    complete: Annotated[bool, Field(description="Whether everything is removed.", examples=[True])]
    completed_at: Annotated[
        datetime | None, Field(description="The time when everything was removed.", examples=["2026-11-24T10:15:00Z"])
    ]


class ProjectView(BaseModel):
    project_id: Annotated[str, Field(description="The id of the project.", examples=["shop"])]
    name: Annotated[str | None, Field(description="The name.", examples=["Shop, production"])]
    state: Annotated[ProjectState, Field(description="The state of the project.", examples=["active"])]
    created_at: Annotated[
        datetime, Field(description="The time when the project was created.", examples=["2026-11-24T10:15:00Z"])
    ]
    limits: Annotated[LimitsView, Field(description="The limits of keys without limits, and of JWTs.")]
    deletion: Annotated[ReceiptView | None, Field(description="The receipt of the deletion.")]

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
    project: Annotated[ProjectView, Field(description="The project.")]
    key: Annotated[NewKeyView, Field(description="The first admin key of the project. It is not shown again.")]


class ProjectPage(BaseModel):
    projects: Annotated[list[ProjectView], Field(description="The projects.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]


class UserTokenIn(Body):
    expires_in_seconds: Annotated[int, Field(ge=1, le=LONGEST_TOKEN_SECONDS), WHOLE] = 3_600
    key_id: Annotated[
        Annotated[str, StringConstraints(pattern=KEY_ID_PATTERN)] | None,
        Field(description="The key that limits the token and ends it; the default is the key of the request."),
    ] = None


class UserTokenView(BaseModel):
    token: Annotated[str, Field(description="Send it as `Authorization: Bearer ...`.")]
    expires_at: Annotated[
        datetime, Field(description="The time when the token expires.", examples=["2026-11-24T10:15:00Z"])
    ]


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
    def check_one(self) -> Self:
        if self.user_id is not None and self.session_id is not None:
            raise ValueError("takes a user_id or a session_id, not both")
        return self

    @property
    def owner(self) -> str | None:
        return self.user_id if self.session_id is None else of_session(self.session_id)


class TicketView(BaseModel):
    ticket: Annotated[str, Field(description="The value of `?ticket=` in the URL of the socket.")]
    expires_at: Annotated[
        datetime, Field(description="The time when the ticket expires.", examples=["2026-11-24T10:15:00Z"])
    ]


class UserExport(BaseModel):
    profile: Annotated[UserView | None, Field(description="The user; null if they were never put.")]
    events: Annotated[list[EventView], Field(description="The events, newest first.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]


class ProjectExport(BaseModel):
    """A page of items, users or events."""

    items: list[ItemView] = Field(default_factory=list)
    users: list[UserView] = Field(default_factory=list)
    events: list[EventView] = Field(default_factory=list)
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]


class UsageDay(BaseModel):
    day: Annotated[date, Field(description="The day (UTC).", examples=["2026-11-24"])]
    requests: Annotated[int, Field(description="The number of requests.", examples=[12000])]
    events: Annotated[int, Field(description="The number of events.", examples=[40000])]
    recommendations: Annotated[int, Field(description="The number of responses with recommendations.", examples=[9000])]
    read_units: Annotated[float, Field(description="Consumed read units of DynamoDB.", examples=[18000.0])]
    write_units: Annotated[float, Field(description="Consumed write units of DynamoDB.", examples=[80000.0])]
    estimated_usd: Annotated[float, Field(description="The estimated cost in US dollars.", examples=[0.12])]


class UsageView(BaseModel):
    days: Annotated[list[UsageDay], Field(description="The usage of each day.")]
    estimated_usd: Annotated[float, Field(description="The estimated cost of all days in US dollars.", examples=[3.6])]
    prices_as_of: Annotated[str, Field(description="The day of the public us-east-1 prices of the estimate.")]

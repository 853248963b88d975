"""The bodies of keys, and the limits of keys and projects."""

from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from app.api.schemas.fields import WHOLE, Body, Future, Patch, Title, View
from app.domain.access import OF_USERS, ApiKey, Limits, Scope
from app.domain.fields import ORIGIN_PATTERN
from app.services.access.rate_limits import Use

MOST_ORIGINS = 20
Origin = Annotated[str, StringConstraints(pattern=ORIGIN_PATTERN)]
Origins = Annotated[
    tuple[Origin, ...],
    Field(
        max_length=MOST_ORIGINS,
        strict=False,
        description="The web origins whose pages can use the key, and no one else; empty for those of the project.",
        examples=[["https://shop.example"]],
    ),
]
KeyName = Annotated[Title, Field(max_length=100, description="A name for people.", examples=["shop backend"])]
MOST_OVERLAP_SECONDS = 30 * 86_400
EXAMPLE_KEY = "sk_" + "x" * 62


class LimitsIn(Body):
    """Limits; null means no limit."""

    requests_per_second: Annotated[
        float | None, Field(ge=0.01, le=100_000, description="The sustained rate.", examples=[50])
    ] = None
    burst: Annotated[
        Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None,
        Field(description="The number of requests that can come at once.", examples=[100]),
    ] = None
    requests_per_day: Annotated[
        Annotated[int, Field(ge=1, le=1_000_000_000), WHOLE] | None,
        Field(description="The daily quota.", examples=[100_000]),
    ] = None

    def record(self) -> Limits:
        return Limits(self.requests_per_second, self.burst, self.requests_per_day)


class LimitsView(View):
    requests_per_second: Annotated[
        float | None, Field(description="The sustained rate; null for no limit.", examples=[50.0])
    ]
    burst: Annotated[int | None, Field(description="The number of requests that can come at once.", examples=[100])]
    requests_per_day: Annotated[int | None, Field(description="The daily quota; null for no limit.", examples=[100000])]


class UseView(View):
    requests_today: Annotated[
        int, Field(description="Requests of today (UTC), with those that instances have reserved.", examples=[2840])
    ]
    left_at_once: Annotated[
        int | None, Field(description="The requests that can come at once now; null without a rate.", examples=[96])
    ]
    most_at_once: Annotated[
        int | None,
        Field(description="The requests that can come at once after a pause; null without a rate.", examples=[100]),
    ]


class KeyIn(Body):
    name: KeyName
    scopes: Annotated[
        list[Annotated[Scope, Field(strict=False)]],
        Field(
            min_length=1,
            max_length=len(Scope),
            description="`recommend` reads lists; `read:all` reads everything but keys, and changes nothing; `write` "
            "changes items, users and events; `admin` includes all three. With `events:own`, tokens of this key may "
            "send events of their user; with `rules`, which all but `recommend` include, requests may have filters.",
            examples=[["recommend"]],
        ),
    ]
    expires_at: Future | None = None
    origins: Origins = ()
    needs_user_token: Annotated[
        bool,
        Field(
            description="Whether every request needs a token of a user as well; for keys in web pages, which have no "
            "scopes beyond `recommend`, `events:own` and `rules`.",
            examples=[True],
        ),
    ] = False
    limits: Annotated[LimitsIn | None, Field(description="The limits of the key; the default is the project's.")] = None
    user_limits: Annotated[
        LimitsIn | None,
        Field(
            description="The limits of each user's requests with events, if tokens of this key may send them; the "
            "default is 1 a second, 30 at once and 5,000 a day."
        ),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.needs_user_token and not OF_USERS.issuperset(self.scopes):
            raise ValueError("needs_user_token is for keys without scopes beyond recommend, events:own and rules")
        return self


class LimitedPatch(Patch):
    limits: LimitsIn = Field(
        default_factory=LimitsIn, description="The new limits, which replace all earlier ones; null means no limit."
    )

    def changes(self) -> dict[str, Any]:
        changes = super().changes()
        return changes | ({"limits": self.limits.record()} if "limits" in changes else {})


class KeyPatch(LimitedPatch):
    """The fields to change; other fields keep their values."""

    name: KeyName = ""
    expires_at: Future | None = None
    origins: Origins = ()
    user_limits: LimitsIn = Field(
        default_factory=LimitsIn,
        description="The new limits of each user's requests with events; null means no limit.",
    )

    def changes(self) -> dict[str, Any]:
        changes = super().changes()
        return changes | ({"user_limits": self.user_limits.record()} if "user_limits" in changes else {})


class RotationIn(Body):
    overlap_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=MOST_OVERLAP_SECONDS,
            description="The seconds for which the old key stays valid.",
            examples=[3_600],
        ),
        WHOLE,
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
        Field(
            description="The web origins whose pages can use the key, and no one else; empty for those of the project.",
            examples=[["https://shop.example"]],
        ),
    ]
    needs_user_token: Annotated[
        bool, Field(description="Whether recommendations of a user need a token of that user.", examples=[False])
    ]
    limits: Annotated[LimitsView, Field(description="The limits of the key.")]
    user_limits: Annotated[
        LimitsView, Field(description="The limits of each user's requests with events, with tokens of this key.")
    ]
    use: Annotated[
        UseView | None, Field(description="How much of the key's limits is used; null for a key without limits.")
    ]

    @classmethod
    def of(cls, key: ApiKey, use: Use | None) -> "KeyView":
        return cls(**_fields(key, use))


class NewKeyView(KeyView):
    key: Annotated[str, Field(description="The key. Store it now: it is not shown again.", examples=[EXAMPLE_KEY])]

    @classmethod
    def with_text(cls, key: ApiKey, use: Use | None, text: str) -> "NewKeyView":
        return cls(**_fields(key, use), key=text)


def _fields(key: ApiKey, use: Use | None) -> dict[str, Any]:
    fields = {name: getattr(key, name) for name in KeyView.model_fields if name != "use"}
    return {
        **fields,
        "scopes": sorted(key.scopes),
        "limits": LimitsView.model_validate(key.limits),
        "user_limits": LimitsView.model_validate(key.user_limits),
        "use": UseView.model_validate(use) if use else None,
    }


class KeyList(BaseModel):
    keys: Annotated[list[KeyView], Field(description="The keys, oldest first.")]

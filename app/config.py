"""Settings, read once from the environment (`SERENDIP_*`)."""

import json
import os
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from app import prices
from app.domain.fields import ID_PATTERN

PREFIX = "SERENDIP_"
MAX_REQUESTS = 32
"""Threads for more would make the process slower."""
SPARE_DAYS = 7
"""Events are kept so many days longer than popular lists count them."""
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+$")]


def _json(value: object) -> object:
    """Decodes a setting that is JSON in the environment."""
    return json.loads(value) if isinstance(value, str) else value


class Issuer(BaseModel):
    """An OIDC issuer whose tokens are accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Annotated[str, Field(min_length=1)]
    """Must equal the token's `iss`."""
    audience: Annotated[str, Field(min_length=1)]
    """Must be one of the token's `aud`."""
    project: str | None = None
    """Project of all tokens of this issuer; if not set, the claim `project_claim` names it."""
    project_claim: str = "project"
    scope_claim: str = "scope"
    """Claim with the scopes: a list, or a string separated by spaces. The prefix `serendip:` is optional."""
    user_claim: str | None = None
    """If set, tokens are for the user named by this claim (often `sub`), and may only get their recommendations."""
    algorithms: tuple[
        Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"], ...
    ] = (
        "RS256",
        "ES256",
    )
    jwks_uri: str | None = None
    """URL of the keys; if not set, the issuer's discovery document names it."""

    @field_validator("issuer", "jwks_uri")
    @classmethod
    def secure(cls, value: str | None) -> str | None:
        """Requires TLS, except on this machine."""
        if value and not value.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise ValueError("must begin with https://")
        return value


class TrainingTask(BaseModel):
    """An ECS container task for trainings, which has neither the time nor the memory limit of a function."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cluster: str
    task_definition: str
    """Its container is named `training`; its command is a project and a job."""
    subnets: Annotated[tuple[str, ...], Field(min_length=1)]
    security_groups: tuple[str, ...] = ()
    """If empty, the default security group of the VPC."""


class Settings(BaseModel):
    """Everything that differs between a laptop, a test and a stage."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    secret: Annotated[SecretStr, Field(min_length=32)]
    """Signs cursors, freshness tokens, user tokens and recommendation ids; encrypts stored responses."""
    region: str = "us-east-1"
    """AWS region."""
    endpoint: Annotated[str, StringConstraints(pattern=r"^https?://")] | None = None
    """Address of DynamoDB; if not set, AWS."""
    table_prefix: str = "serendip-"
    """Prefix of all table names."""
    project: Annotated[str, StringConstraints(pattern=ID_PATTERN)] = "demo"
    """Project that the command line works on; requests derive theirs from their credentials."""
    worker_function: str | None = None
    """Name of the Lambda function that runs jobs."""
    training_task: Annotated[TrainingTask | None, BeforeValidator(_json)] = None
    """ECS task for trainings that are too large for the worker function, as a JSON object."""
    files: str | None = None
    """Where job files are stored: a bucket, or the path of a folder."""
    request_deadline_seconds: float = 10.0
    """Time after which a request fails."""
    connect_timeout_seconds: float = 1.0
    """Timeout for connecting to DynamoDB."""
    read_timeout_seconds: float = 2.0
    """Timeout for a response of DynamoDB."""
    attempts: int = 3
    """Number of attempts for a call to DynamoDB, including the first."""
    max_body_bytes: int = 5 * 1024 * 1024
    """Largest request body; less than Lambda's payload of 6 MB, which may be base64."""
    max_requests: Annotated[int, Field(ge=1)] = MAX_REQUESTS
    """Most requests that a local server works on at a time, in all workers; fewer when they slow each other down."""
    key_ttl_seconds: float = 30.0
    """How long an instance may still accept a revoked key."""
    issuers: Annotated[tuple[Issuer, ...], BeforeValidator(_json)] = ()
    """OIDC issuers whose tokens are accepted, as a JSON list."""
    issuer_ttl_seconds: float = 600.0
    """Time after which the keys of an issuer are fetched again; if that fails, the old ones stay valid."""
    issuer_pause_seconds: float = 30.0
    """Least time between two fetches for unknown key ids, and after a failed fetch."""
    lease_seconds: float = 1.0
    """How long an instance may spend tokens that it took from a key's shared bucket (rate limits)."""
    idempotency_seconds: float = 86_400.0
    """How long a request can be repeated with its Idempotency-Key."""
    claim_seconds: float = 30.0
    """Time after which an unfinished request with an Idempotency-Key is presumed killed."""
    cors_origins: Annotated[tuple[Origin | Literal["*"], ...], BeforeValidator(_json)] = ()
    """Web origins that may call from browsers, as a JSON list; beside those of keys and projects."""
    require_if_match: bool = False
    """Whether changing or deleting an existing item or user requires If-Match."""
    usage_seconds: float = 60.0
    """How often an instance stores its usage; a killed instance loses at most this much."""
    otlp_endpoint: str | None = None
    """Base URL of an OpenTelemetry collector (HTTP); if not set, nothing is traced."""
    otlp_headers: SecretStr | None = None
    """Headers for the collector, such as `api-key=...`, separated by commas (as in OTEL_EXPORTER_OTLP_HEADERS)."""
    emf: bool = False
    """Whether request logs use CloudWatch's embedded metric format."""
    history_events: int = 500
    """Number of a user's newest events that a recommendation request reads."""
    pointer_ttl_seconds: float = 5.0
    """How long an instance may still serve the previously active version."""
    item_ttl_seconds: float = 20.0
    """How long an instance may still serve the previous state of an item."""
    row_cache_rows: int = 20_000
    """Number of neighbor rows that an instance keeps in memory; each takes about 7 KB."""
    catalog_items: Annotated[int, Field(ge=8)] = 50_000
    """Number of items in a project's catalog snapshot, the most recently changed ones, for filters and boosts."""
    catalog_projects: Annotated[int, Field(ge=1)] = 20
    """Number of projects whose catalog snapshots an instance keeps in memory."""
    connection_seconds: Annotated[float, Field(ge=10, le=7_200)] = 7_200.0
    """Lifetime of a WebSocket connection; API Gateway ends it after two hours."""
    ticket_seconds: float = 60.0
    """How long a ticket can open its WebSocket connection."""
    public_url: Origin | None = None
    """Address under which clients reach a server outside AWS. None takes it from the Host header of each request."""
    front: prices.Front = "api"
    """What receives requests in AWS, which estimated costs depend on: API Gateway, or the function's own URL."""
    base_path: Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~-]+)*/?$")] | None = None
    """Path in front of all others in AWS, such as /shop. None takes it from each event: a stage or base path."""
    socket_endpoint: str | None = None
    """API Gateway's management API, which pushes to sockets: https://{api}.execute-api.{region}.amazonaws.com/{stage}."""
    socket_domain: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+$")] | None = None
    """Custom domain of the sockets. None is the address of the management API."""
    list_ttl_seconds: float = 2.0
    """How long an instance may still serve the previous popular or trending list."""
    lists_seconds: float = 120.0
    """Least time between two refreshes of a project's popular and trending lists by one instance."""
    list_weights: Annotated[dict[str, float], BeforeValidator(_json)] = Field(default_factory=dict)
    """Weights of event types in popular and trending lists that differ from the defaults, as a JSON object."""
    popular_window_days: Annotated[int, Field(ge=1, le=90)] = 30
    """Number of days that popular lists count."""
    event_days: Annotated[int | None, Field(le=36_500)] = None
    """How long events are kept after they happened; None keeps them for ever."""
    trending_half_life_seconds: Annotated[float, Field(ge=60, le=21_600)] = 1_800.0
    """Half-life of events in trending lists; the baseline has a half-life 24 times as long."""
    training_memory_mb: Annotated[int, Field(ge=64)] | None = None
    """Memory that a training may use (default: all of the function or machine); it determines the solver."""
    decision_log_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of responses that are stored for replay; a scenario can set a larger share."""
    decision_days: Annotated[int, Field(ge=1, le=400)] = 30
    """How long they are stored."""
    retrain_events: Annotated[int, Field(ge=1)] | None = None
    """Number of events after which a new training starts; if not set, none starts."""
    retrain_hours: Annotated[float, Field(gt=0)] | None = None
    """Hours after which the next event starts a new training; if not set, none starts."""
    most_trainings: Annotated[int, Field(ge=1)] = 3
    """Trainings of all projects that may run while another starts by itself; it waits if there are more."""
    neighbors: int = 100
    """Number of neighbors in each row of a model."""
    keep_versions: int = 5
    """Number of model versions to keep."""
    regression_tolerance: float = 0.10
    """A new version whose NDCG is lower than the active one's by more than this share is not activated."""

    @field_validator("event_days")
    @classmethod
    def long_enough(cls, days: int | None, info: ValidationInfo) -> int | None:
        """Keeps the events that popular lists look up again, with a week to spare."""
        window = info.data.get("popular_window_days")  # missing if it is not valid itself
        if days is not None and window is not None and days < window + SPARE_DAYS:
            raise ValueError(
                f"must be at least {window + SPARE_DAYS}: popular lists count the events of {window} days "
                f"({PREFIX}POPULAR_WINDOW_DAYS), and {SPARE_DAYS} more are kept; leave it out to keep events for ever"
            )
        return days

    @property
    def socket_url(self) -> str | None:
        """Address of live sockets; None if this server has them itself."""
        if self.socket_domain is not None:
            return f"wss://{self.socket_domain}"
        return f"ws{self.socket_endpoint.removeprefix('http')}" if self.socket_endpoint else None

    @property
    def training_memory_bytes(self) -> int:
        return training_memory_bytes(self.training_memory_mb)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Reads `SERENDIP_*` and Lambda's AWS_REGION; raises ValidationError for an unknown or invalid setting."""
        values = {
            key.removeprefix(PREFIX).lower(): value for key, value in environment.items() if key.startswith(PREFIX)
        }
        values.pop("data", None)  # folder of the data sets of tests and benchmarks
        if "training_memory_mb" not in values and "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" in environment:
            values["training_memory_mb"] = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        if "region" not in values and "AWS_REGION" in environment:
            values["region"] = environment["AWS_REGION"]
        return cls.model_validate(values)


def training_memory_bytes(megabytes: int | None) -> int:
    """Converts megabytes to bytes; None means all memory of the machine."""
    if megabytes is not None:
        return megabytes * 2**20
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

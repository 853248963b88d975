"""Settings, read once from the environment (`SERENDIP_*`)."""

import json
import os
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints, field_validator

PREFIX = "SERENDIP_"
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+$")]


def _json(value: object) -> object:
    """Lists and objects are written as JSON in the environment."""
    return json.loads(value) if isinstance(value, str) else value


class Issuer(BaseModel):
    """An OIDC issuer whose tokens are accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Annotated[str, Field(min_length=1)]
    """Exactly the token's `iss`."""
    audience: Annotated[str, Field(min_length=1)]
    """One of the token's `aud`."""
    project: str | None = None
    """The project of all tokens; without it, `project_claim` names it."""
    project_claim: str = "project"
    scope_claim: str = "scope"
    """A text of scopes with spaces in between, or a list; scopes are read with and without `serendip:` before them."""
    user_claim: str | None = None
    """Where set, a token is for the user that this claim names (often `sub`), and may at most recommend to him."""
    algorithms: tuple[
        Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"], ...
    ] = (
        "RS256",
        "ES256",
    )
    jwks_uri: str | None = None
    """Where the keys are; without it, the issuer's discovery document says so."""

    @field_validator("issuer", "jwks_uri")
    @classmethod
    def secure(cls, value: str | None) -> str | None:
        """Keys come over TLS, except on this machine."""
        if value and not value.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise ValueError("must begin with https://")
        return value


class TrainingTask(BaseModel):
    """A container task of ECS, in which a training has neither a function's limit of time nor of memory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cluster: str
    task_definition: str
    """Its container is called `training` and takes a project and a job as its command."""
    subnets: Annotated[tuple[str, ...], Field(min_length=1)]
    security_groups: tuple[str, ...] = ()
    """None: the default one of the VPC."""


class Settings(BaseModel):
    """All that differs between a laptop, a test and a stage."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    secret: Annotated[SecretStr, Field(min_length=32)]
    """Signs cursors, freshness tokens, user tokens and recommendation ids; encrypts what repeats an answer."""
    region: str = "us-east-1"
    endpoint: str | None = None
    """DynamoDB's address; None is AWS."""
    table_prefix: str = "serendip-"
    project: str = "demo"
    """The project that the command line works on; requests derive theirs from their credentials."""
    worker_function: str | None = None
    """Name of the Lambda function that does jobs."""
    training_task: Annotated[TrainingTask | None, BeforeValidator(_json)] = None
    """Where trainings go on that are too large for the worker function, as a JSON object."""
    files: str | None = None
    """Where files of jobs are: a bucket, or the path of a folder."""
    request_deadline_seconds: float = 10.0
    connect_timeout_seconds: float = 1.0
    read_timeout_seconds: float = 2.0
    attempts: int = 3
    max_body_bytes: int = 5 * 1024 * 1024
    """Below Lambda's 6 MB payload, which counts base64 too."""
    max_requests: int = 80
    """Requests that one process answers at a time; more are turned away with 503."""
    key_ttl_seconds: float = 30.0
    """For how long an instance may still accept a revoked key."""
    issuers: Annotated[tuple[Issuer, ...], BeforeValidator(_json)] = ()
    """OIDC issuers whose tokens are accepted, as a JSON list."""
    issuer_ttl_seconds: float = 600.0
    """After that an issuer's keys are fetched again; when it cannot be reached, they go on."""
    issuer_pause_seconds: float = 30.0
    """Least time between two fetches for unknown key ids, and after a failed one."""
    lease_seconds: float = 1.0
    """For how long an instance may spend tokens that it took from a key's shared bucket."""
    idempotency_seconds: float = 86_400.0
    """For how long a request can be repeated with its Idempotency-Key."""
    claim_seconds: float = 30.0
    """After that a request that was neither finished nor given up is taken for killed."""
    cors_origins: Annotated[tuple[Origin | Literal["*"], ...], BeforeValidator(_json)] = ()
    """Web origins that browsers may call from, as a JSON list; none behind an HTTP API, which answers CORS itself."""
    require_if_match: bool = False
    """Changing or deleting an existing item or user needs If-Match."""
    usage_seconds: float = 60.0
    """How often an instance writes down what was used; a killed one loses that much."""
    otlp_endpoint: str | None = None
    """Base address of an OpenTelemetry collector (HTTP); without one nothing is traced."""
    emf: bool = False
    """Write request lines in CloudWatch's embedded metric format."""
    history_events: int = 500
    """A user's newest events that are read for one answer: his history and what he has seen."""
    pointer_ttl_seconds: float = 5.0
    """For how long an instance may still serve the previously active version."""
    item_ttl_seconds: float = 20.0
    """For how long an instance may still serve an item's previous facts."""
    row_cache_rows: int = 10_000
    catalog_items: Annotated[int, Field(ge=8)] = 50_000
    """Of a project, items that filters and boosts look at beyond its lists: those that were changed last."""
    catalog_projects: Annotated[int, Field(ge=1)] = 20
    """Whose items an instance keeps in memory."""
    connection_seconds: Annotated[float, Field(ge=10, le=7_200)] = 7_200.0
    """For how long a socket lives; API Gateway ends one after two hours."""
    ticket_seconds: float = 60.0
    """Within which a ticket opens its one socket."""
    socket_endpoint: str | None = None
    """API Gateway's management API, which pushes to sockets: https://{api}.execute-api.{region}.amazonaws.com/{stage}."""
    list_ttl_seconds: float = 2.0
    """For how long an instance may still serve a previous popular or trending list."""
    lists_seconds: float = 120.0
    """Lists that move are made anew at most so often a project and instance."""
    list_weights: Annotated[dict[str, float], BeforeValidator(_json)] = Field(default_factory=dict)
    """What events of a type count in popular and trending, where it is not the usual; a JSON object."""
    popular_window_days: Annotated[int, Field(ge=1, le=90)] = 30
    trending_half_life_seconds: Annotated[float, Field(ge=60, le=21_600)] = 1_800.0
    """A burst counts half after that time; use over 24 times as long is what it is compared with."""
    training_memory_mb: Annotated[int, Field(ge=64)] | None = None
    """What a training may use; left out, what the function or the machine has. It decides between the solvers."""
    decision_log_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the answers that are kept, to be replayed; a scenario can keep more of its own."""
    decision_days: Annotated[int, Field(ge=1, le=400)] = 30
    retrain_events: Annotated[int, Field(ge=1)] | None = None
    """After so many events since the last training, the next one begins; left out, none does."""
    retrain_hours: Annotated[float, Field(gt=0)] | None = None
    """After so many hours since the last training, the next event begins one; left out, none does."""
    neighbors: int = 100
    keep_versions: int = 5
    regression_tolerance: float = 0.10
    """A new version whose NDCG is lower than the active one's by more than this share is not activated."""

    @property
    def training_memory_bytes(self) -> int:
        return training_memory_bytes(self.training_memory_mb)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read `SERENDIP_*` and Lambda's own AWS_REGION; an unknown or a bad setting is an error."""
        values = {
            key.removeprefix(PREFIX).lower(): value for key, value in environment.items() if key.startswith(PREFIX)
        }
        values.pop("data", None)  # where tests and benchmarks find real data
        if "training_memory_mb" not in values and "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" in environment:
            values["training_memory_mb"] = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        if "region" not in values and "AWS_REGION" in environment:
            values["region"] = environment["AWS_REGION"]
        return cls.model_validate(values)


def training_memory_bytes(megabytes: int | None) -> int:
    """So many, or where none are given what the machine has."""
    if megabytes is not None:
        return megabytes * 2**20
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

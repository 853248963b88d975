"""Settings, read once from the environment (`SERENDIP_*`)."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

PREFIX = "SERENDIP_"


class Settings(BaseModel):
    """All that differs between a laptop, a test and a stage."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    secret: Annotated[SecretStr, Field(min_length=32)]
    """Signs cursors, freshness tokens and recommendation ids."""
    region: str = "us-east-1"
    endpoint: str | None = None
    """DynamoDB's address; None is AWS."""
    table_prefix: str = "serendip-"
    project: str = "demo"
    """The one project, until keys derive it."""
    worker_function: str | None = None
    """Name of the Lambda function that trains."""
    request_deadline_seconds: float = 10.0
    connect_timeout_seconds: float = 1.0
    read_timeout_seconds: float = 2.0
    attempts: int = 3
    max_body_bytes: int = 5 * 1024 * 1024
    """Below Lambda's 6 MB payload, which counts base64 too."""
    history_events: int = 500
    """A user's newest events that are read for one answer: his history and what he has seen."""
    pointer_ttl_seconds: float = 5.0
    """For how long an instance may still serve the previously active version."""
    item_ttl_seconds: float = 10.0
    """For how long an instance may still serve an item's previous facts."""
    row_cache_rows: int = 10_000
    max_dense_items: int = 20_000
    """Items that the dense solver takes; the most frequent ones where there are more."""
    neighbours: int = 100
    keep_versions: int = 5
    regression_tolerance: float = 0.10
    """A new version whose NDCG is lower than the active one's by more than this share is not activated."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read `SERENDIP_*` and Lambda's own AWS_REGION; an unknown or a bad setting is an error."""
        values = {
            key.removeprefix(PREFIX).lower(): value for key, value in environment.items() if key.startswith(PREFIX)
        }
        values.pop("data", None)  # where tests and benchmarks find real data
        if "region" not in values and "AWS_REGION" in environment:
            values["region"] = environment["AWS_REGION"]
        return cls.model_validate(values)

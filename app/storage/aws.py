"""Clients of AWS's services beside DynamoDB: quick to give up, and patient within that."""

from typing import Any

from botocore.config import Config
from botocore.session import get_session


def client(
    service: str,
    region: str,
    *,
    read_timeout_seconds: int,
    endpoint: str | None = None,
    attempts: int = 3,
    **more: object,
) -> Any:  # noqa: ANN401 - botocore makes its classes at run time
    """`endpoint`: None is AWS. `more`: of botocore's Config."""
    config = Config(
        connect_timeout=1,
        read_timeout=read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        **more,
    )
    return get_session().create_client(service, region, endpoint_url=endpoint, config=config)

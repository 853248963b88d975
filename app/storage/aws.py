"""Clients of AWS services, with short timeouts and retries that end with the deadline of a request."""

from typing import Any

from botocore.config import Config
from botocore.session import get_session

from app.storage.timeouts import end_with_deadline


def client(
    service: str,
    region: str,
    *,
    read_timeout_seconds: int,
    endpoint: str | None = None,
    attempts: int = 3,
    access_key: tuple[str, str] | None = None,
    **more: object,
) -> Any:  # noqa: ANN401 - botocore creates its classes at run time
    """Creates a client of one service.

    Args:
        service: botocore's name of the service.
        region: an AWS region.
        read_timeout_seconds: how long to wait for a response.
        endpoint: address of the service; None means AWS.
        attempts: the first attempt and its retries.
        access_key: id and secret; None takes them from the environment.
        more: further settings of botocore's Config.
    """
    config = Config(
        connect_timeout=1,
        read_timeout=read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        **more,
    )
    key_id, secret = access_key or (None, None)
    created = get_session().create_client(
        service,
        region,
        endpoint_url=endpoint,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=config,
    )
    end_with_deadline(created)
    return created

"""Starts the worker function asynchronously."""

import json
from collections.abc import Mapping

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from app.config import Settings
from app.errors import WorkerUnavailable


def invoke(settings: Settings, payload: Mapping[str, object], endpoint: str | None = None) -> None:
    """Returns once Lambda has accepted the job.

    Raises:
        WorkerUnavailable: Lambda did not accept it.
    """
    client = get_session().create_client(
        "lambda",
        settings.region,
        endpoint_url=endpoint,
        config=Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}),
    )
    try:
        client.invoke(
            FunctionName=settings.worker_function, InvocationType="Event", Payload=json.dumps(payload).encode()
        )
    except (BotoCoreError, ClientError) as error:
        raise WorkerUnavailable("The worker function did not take the job. Try again later.") from error

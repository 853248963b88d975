"""Starts the worker function asynchronously."""

import json
from collections.abc import Mapping

from botocore.exceptions import BotoCoreError, ClientError

from app.config import Settings
from app.errors import WorkerUnavailable
from app.storage.aws import client


def invoke(settings: Settings, payload: Mapping[str, object], endpoint: str | None = None) -> None:
    """Returns once Lambda has accepted the job.

    Raises:
        WorkerUnavailable: Lambda did not accept it.
    """
    functions = client("lambda", settings.region, read_timeout_seconds=5, endpoint=endpoint)
    try:
        functions.invoke(
            FunctionName=settings.worker_function, InvocationType="Event", Payload=json.dumps(payload).encode()
        )
    except (BotoCoreError, ClientError) as error:
        raise WorkerUnavailable("The worker function did not accept the job. Try again later.") from error

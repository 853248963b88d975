"""Settings that are no variables of a function: `SERENDIP_X_PARAMETER` names the SSM parameter with `SERENDIP_X`."""

import json
import random
import time
from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.session import get_session

from app.config import PREFIX

SUFFIX = "_PARAMETER"
ATTEMPTS = 5
PAUSE_SECONDS = 0.1
TIMEOUT_SECONDS = 2
PATIENCE = "ThrottlingException"
"""SSM answers 40 calls a second unless the account pays for more; many instances may start at once."""


def resolved(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment with the values of the parameters that it names.

    Raises:
        LookupError: SSM did not return one of them.
    """
    resolved = {}
    for variable, value in environment.items():
        if variable.startswith(PREFIX) and variable.endswith(SUFFIX):
            resolved[variable.removesuffix(SUFFIX)] = _read(environment, value)
        else:
            resolved[variable] = value
    return resolved


def _read(environment: Mapping[str, str], name: str) -> str:
    """Calls SSM by a signed request: a client of botocore takes 100 to 250 ms of a cold start to be made."""
    region = environment["AWS_REGION"]
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    address = environment.get("AWS_ENDPOINT_URL", f"https://ssm.{region}.{suffix}")
    headers = {"X-Amz-Target": "AmazonSSM.GetParameter", "Content-Type": "application/x-amz-json-1.1"}
    content = json.dumps({"Name": name, "WithDecryption": True}).encode()
    credentials, http, reason = get_session().get_credentials(), URLLib3Session(timeout=TIMEOUT_SECONDS), ""
    for attempt in range(ATTEMPTS):
        request = AWSRequest("POST", f"{address}/", headers, content)
        SigV4Auth(credentials, "ssm", region).add_auth(request)
        try:
            response = http.send(request.prepare())
        except HTTPClientError as error:
            reason = str(error)
        else:
            reason = response.text
            if response.status_code == 200:  # noqa: PLR2004
                return str(json.loads(response.content)["Parameter"]["Value"])
            if response.status_code < 500 and PATIENCE not in reason:  # noqa: PLR2004
                break
        time.sleep(random.uniform(0, PAUSE_SECONDS * 2**attempt))  # noqa: S311
    raise LookupError(f"SSM did not return {name}: {reason}")

"""AWS Signature Version 4 of requests to DynamoDB.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256

from botocore.credentials import ReadOnlyCredentials

ALGORITHM = "AWS4-HMAC-SHA256"
CONTENT_TYPE = "application/x-amz-json-1.0"
LEAST_SKEW = timedelta(minutes=4)
"""AWS accepts signatures up to five minutes old or ahead."""


class Signer:
    """Signs requests to one server; derives the key once a day for each secret."""

    def __init__(self, host: str, path: str, region: str, service: str = "dynamodb") -> None:
        self._host, self._path = host, path
        self._region, self._service = region, service
        self._derived: tuple[tuple[str, str], bytes] = (("", ""), b"")
        self._skew = timedelta()

    def headers(self, credentials: ReadOnlyCredentials, target: str, body: bytes) -> dict[str, str]:
        """Returns the headers of a request to `target`, an API's version and operation."""
        stamp = (datetime.now(UTC) + self._skew).strftime("%Y%m%dT%H%M%SZ")
        signed = {"Content-Type": CONTENT_TYPE, "Host": self._host, "X-Amz-Date": stamp}
        if credentials.token:
            signed["X-Amz-Security-Token"] = credentials.token
        signed["X-Amz-Target"] = target
        names = ";".join(signed).lower()
        values = "".join([f"{name.lower()}:{value}\n" for name, value in signed.items()])
        request = f"POST\n{self._path}\n\n{values}\n{names}\n{sha256(body).hexdigest()}"
        scope = f"{stamp[:8]}/{self._region}/{self._service}/aws4_request"
        text = f"{ALGORITHM}\n{stamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._key(credentials.secret_key, stamp[:8]), text.encode(), "sha256").hex()
        identity = f"Credential={credentials.access_key}/{scope}"
        signed["Authorization"] = f"{ALGORITHM} {identity}, SignedHeaders={names}, Signature={signature}"
        return signed

    def follow(self, date: str | None) -> bool:
        """Corrects a clock that is wrong by the `Date` of a response; returns whether that changes signatures."""
        if date is None:
            return False
        skew = parsedate_to_datetime(date) - datetime.now(UTC)
        is_wrong = abs(skew - self._skew) > LEAST_SKEW
        if is_wrong:
            self._skew = skew
        return is_wrong

    def _key(self, secret: str, day: str) -> bytes:
        derived_for, key = self._derived
        if derived_for != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived = (secret, day), key
        return key

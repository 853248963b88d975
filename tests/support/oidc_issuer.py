"""An OIDC issuer for tests that can also misbehave."""

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from app.config import Issuer
from app.errors import Unavailable

URL = "https://issuer.test"
AUDIENCE = "serendip"


class OidcIssuer:
    """Signs tokens and serves discovery and key documents; `down` simulates an outage."""

    def __init__(self) -> None:
        self.keys = {"k1": rsa.generate_private_key(65537, 2048)}
        self.down = False
        self.hangs = Event()
        """Clear while the issuer does not answer."""
        self.hangs.set()
        self.fetched: list[str] = []

    def settings(self, **more: Any) -> Issuer:
        return Issuer.model_validate({"issuer": URL, "audience": AUDIENCE, **more})

    def rotate(self) -> None:
        self.keys["k2"] = rsa.generate_private_key(65537, 2048)

    def fetch(self, url: str) -> Mapping[str, Any]:
        self.fetched.append(url)
        self.hangs.wait()
        if self.down:
            raise Unavailable("down")
        if url == f"{URL}/.well-known/openid-configuration":
            return {"issuer": URL, "jwks_uri": f"{URL}/keys"}
        assert url == f"{URL}/keys"
        public = {kid: json.loads(RSAAlgorithm.to_jwk(key.public_key())) for kid, key in self.keys.items()}
        return {"keys": [{**key, "kid": kid, "use": "sig"} for kid, key in public.items()]}

    def claims(self, **more: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        return {"iss": URL, "aud": AUDIENCE, "sub": "ann", "exp": now + timedelta(hours=1), **more}

    def token(self, kid: str = "k1", headers: Mapping[str, Any] | None = None, **claims: Any) -> str:
        claims = {name: value for name, value in self.claims(**claims).items() if value is not None}
        return jwt.encode(claims, self.keys[kid], "RS256", headers={"kid": kid, **(headers or {})})

    def unsigned(self, **claims: Any) -> str:
        """Returns a token with `alg: none`."""
        return jwt.encode(self.claims(**claims), "", "none", headers={"kid": "k1"})

    def signed_with_public_key(self, **claims: Any) -> str:
        """Returns an HS256 token whose secret is the public RSA key; PyJWT refuses to create one."""
        public = self.keys["k1"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        exp = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())
        parts = ({"alg": "HS256", "typ": "JWT", "kid": "k1"}, self.claims(**claims) | {"exp": exp})
        content = b".".join(_encoded(json.dumps(part).encode()) for part in parts)
        return (content + b"." + _encoded(hmac.digest(public, content, "sha256"))).decode()


def _encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")

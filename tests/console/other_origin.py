"""A web server of another origin: pages, and tokens for their users. Only it knows the key."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.console.conftest import Shop
from tests.support.http_servers import Responder, served_by

TOKENS = "/token"
TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


@dataclass
class OtherOrigin:
    shop: Shop
    content: Callable[[str], bytes]
    """Returns what is at a path."""
    origin: str = ""
    key_id: str = ""
    """The key of the pages, which only pages of this origin can use."""
    seconds: int = 3_600
    """How long a token is valid."""
    tokens: int = field(default=0, init=False)
    """The number of tokens that were made."""

    @property
    def policy(self) -> str:
        api = self.shop.base
        return (
            f"default-src 'none'; script-src 'self' {api}; style-src 'self'; img-src 'self' data:; "
            f"connect-src 'self' {api} {api.replace('http', 'ws')}; base-uri 'none'"
        )

    def token(self, user: str) -> bytes:
        self.tokens += 1
        body = {"key_id": self.key_id, "expires_in_seconds": self.seconds}
        made = self.shop.api.post(f"/v1/users/{user}/tokens", json=body).raise_for_status()
        return str(made.json()["token"]).encode()


@contextmanager
def serving(shop: Shop, content: Callable[[str], bytes]) -> Iterator[OtherOrigin]:
    other = OtherOrigin(shop, content)

    class Handler(Responder):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            is_token = address.path == TOKENS
            body = other.token(parse_qs(address.query)["user"][0]) if is_token else other.content(address.path)
            kind = "text/plain" if is_token else TYPES.get(address.path.rpartition(".")[2], "text/html")
            headers = {"Content-Type": f"{kind}; charset=utf-8", "Content-Security-Policy": other.policy}
            self.respond(200, body, headers)

    with served_by(Handler) as other.origin:
        page_key = {"name": "page", "scopes": ["recommend", "events:own"], "origins": [other.origin]}
        other.key_id = shop.api.post("/v1/keys", json=page_key).raise_for_status().json()["key_id"]
        yield other

"""How a client says who he is when he opens a live socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.api.http.admission import credentials_in
from app.domain.access import Principal
from app.services.bundle import Services

PROTOCOL = "serendip"
KEY_PROTOCOL, BEARER_PROTOCOL = "serendip.key.", "serendip.bearer."
"""Browsers cannot set headers: they offer `serendip` and one of these, followed by the credential."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a client brings along when he connects; names of headers are in lower case."""

    headers: Mapping[str, str] = field(default_factory=dict)
    ticket: str | None = None

    @property
    def protocols(self) -> list[str]:
        return [one.strip() for one in self.headers.get("sec-websocket-protocol", "").split(",") if one.strip()]

    def principal(self, services: Services) -> Principal:
        """Whom the credentials stand for; a ticket is used up.

        Raises:
            Unauthenticated, Forbidden, Unavailable.
        """
        if self.ticket is not None:
            principal, expires_at = services.tokens.ticket_claim(self.ticket, services.clock())
            services.access.check_still(principal)
            services.sockets.admit(self.ticket, expires_at)
            return principal
        credentials = credentials_in(self.headers)
        for offered in self.protocols:
            if offered.startswith(KEY_PROTOCOL):
                credentials = replace(credentials, api_key=offered.removeprefix(KEY_PROTOCOL))
            elif offered.startswith(BEARER_PROTOCOL):
                credentials = replace(credentials, bearer=offered.removeprefix(BEARER_PROTOCOL))
        return services.access.authenticate(credentials)

"""The handshake of a live socket: how a client authenticates."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.api.http.admission import credentials_in
from app.domain.access import Principal
from app.services.bundle import Services

PROTOCOL = "serendip"
KEY_PROTOCOL, BEARER_PROTOCOL = "serendip.key.", "serendip.bearer."
"""Browsers cannot set headers. They offer `serendip` and one of these prefixes followed by the credential."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The headers (names in lower case) and the ticket that a client connects with."""

    headers: Mapping[str, str] = field(default_factory=dict)
    ticket: str | None = None

    @property
    def protocols(self) -> list[str]:
        protocols = self.headers.get("sec-websocket-protocol", "").split(",")
        return [protocol.strip() for protocol in protocols if protocol.strip()]

    def principal(self, services: Services) -> Principal:
        """Returns the principal of the credentials; a ticket can be used once.

        Raises:
            Unauthenticated, Forbidden, Unavailable.
        """
        credentials = credentials_in(self.headers)
        if self.ticket is not None:
            principal, expires_at = services.tokens.ticket_claim(self.ticket, services.clock.now())
            services.access.recheck(principal)
            services.access.check_page(principal, credentials)
            services.sockets.admit(self.ticket, expires_at)
            return principal
        for protocol in self.protocols:
            if protocol.startswith(KEY_PROTOCOL):
                credentials = replace(credentials, api_key=protocol.removeprefix(KEY_PROTOCOL))
            elif protocol.startswith(BEARER_PROTOCOL):
                credentials = replace(credentials, bearer=protocol.removeprefix(BEARER_PROTOCOL))
        return services.access.authenticate(credentials)

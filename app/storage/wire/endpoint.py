"""Find out where DynamoDB is, without building a client."""

import os
import ssl
from urllib.parse import urlsplit

from botocore.endpoint_provider import EndpointProvider
from botocore.httpsession import get_cert_path
from botocore.session import Session
from botocore.utils import get_environ_proxies

SERVICE = "dynamodb"
VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB")
PROFILE = ("endpoint_url", "services")


def regional(session: Session, region: str) -> str | None:
    """Returns the URL of DynamoDB in a region; None if the environment or profile names one, which a client reads."""
    if any(name in os.environ for name in VARIABLES) or any(name in session.get_scoped_config() for name in PROFILE):
        return None
    loader = session.get_component("data_loader")
    rules = loader.load_service_model(SERVICE, "endpoint-rule-set-1")
    provider = EndpointProvider(rules, loader.load_data("partitions"))
    endpoint = provider.resolve_endpoint(
        Region=region,
        UseFIPS=bool(session.get_config_variable("use_fips_endpoint")),
        UseDualStack=bool(session.get_config_variable("use_dualstack_endpoint")),
    )
    return str(endpoint.url)


def is_behind_proxy(url: str) -> bool:
    """Whether the environment names a proxy for a URL."""
    return urlsplit(url).scheme in get_environ_proxies(url)


def tls(session: Session, url: str) -> ssl.SSLContext | None:
    """Returns how to check a server's certificate, with the authorities that botocore trusts; None for plain HTTP."""
    if not url.startswith("https"):
        return None
    bundle = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or True
    return ssl.create_default_context(cafile=get_cert_path(bundle))

"""Connections with TLS: certificates are checked with the authorities that botocore trusts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest
from botocore.exceptions import ReadTimeoutError, SSLError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.deadline import within
from tests.support.dynamodb_paths import ANSWER, FINE, Server, both, outcome, scripted
from tests.support.http_servers import Responder

REQUEST = {"TableName": "t", "Item": {}}


def certificate(folder: Path) -> Path:
    """Makes a certificate of 127.0.0.1 that signs itself; returns the file with it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests only")])
    now = datetime.now(UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / "certificate.pem"
    path.write_bytes(
        made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, encryption_algorithm=plain)
    )
    return path


def hang(responder: Responder) -> None:
    responder.rfile.read(1)


@pytest.fixture(autouse=True)
def without_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return certificate(tmp_path)


@pytest.fixture
def server(authority: Path) -> Iterator[Server]:
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    with scripted(context) as scripting:
        yield scripting


class TestTls:
    @pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
    def test_a_trusted_server_is_called_over_one_connection(
        self, server: Server, authority: Path, variable: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, str(authority))
        peers = []

        def note(responder: Responder) -> None:
            peers.append(responder.client_address[1])
            FINE(responder)

        server.play(note)
        with both(server.address) as calls:
            answers = [outcome(calls["botocore"], "PutItem", REQUEST)]
            answers += [outcome(calls["lean"], "PutItem", REQUEST) for _ in range(5)]

        assert answers == [ANSWER] * 6
        assert len(set(peers)) == 2

    def test_an_unknown_authority_is_refused(self, server: Server) -> None:
        server.play(FINE)
        with both(server.address) as calls:
            both_ways = [outcome(call, "PutItem", REQUEST) for call in calls.values()]

        assert both_ways == [SSLError, SSLError]
        assert server.requests == []

    def test_a_hanging_server_is_left_at_the_deadline(
        self, server: Server, authority: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(authority))
        server.play(hang)
        with both(server.address, read_timeout_seconds=20.0) as calls, within(0.5):
            left = outcome(calls["lean"], "PutItem", REQUEST)

        assert left is ReadTimeoutError

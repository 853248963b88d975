"""`infra/local/compose.yaml`: what it publishes, keeps and allows. Its schema is part of `make lint`."""

import re
from typing import Any

import yaml

from tests.support.datasets import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "infra/local/compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LASTING = {name: service for name, service in SERVICES.items() if "restart" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVER = DOCKERFILE.partition(" AS server\n")[2].partition("\nFROM ")[0]
"""The Dockerfile's stage of the server."""


class TestCompose:
    def test_only_loopback_of_the_host_reaches_the_server_and_nothing_else(self) -> None:
        published = {name: port for name, service in SERVICES.items() for port in service.get("ports", ())}

        assert published == {"server": "127.0.0.1:${PORT:-8000}:${PORT:-8000}"}

    def test_the_server_uses_the_database_beside_it(self) -> None:
        assert SERVICES["server"]["environment"] == {"SERENDIP_ENDPOINT": "http://dynamodb:8000"}

    def test_lasting_containers_have_no_privileges(self) -> None:
        assert set(LASTING) == {"server", "dynamodb"}
        assert re.findall(r"(?m)^USER (.*)$", SERVER) == ["1000"]
        for service in LASTING.values():
            assert (service.get("user"), service["cap_drop"]) == (None, ["ALL"])
            assert service["security_opt"] == ["no-new-privileges:true"]

    def test_data_survive_the_containers(self) -> None:
        kept = dict(volume.split(":") for service in LASTING.values() for volume in service["volumes"])

        assert set(kept) == set(COMPOSE["volumes"])
        assert f"VOLUME {kept['home']}\n" in SERVER
        assert SERVICES["dynamodb"]["command"][-2:] == ["-dbPath", kept["database"]]

    def test_the_image_and_the_service_start_the_same_way(self) -> None:
        assert SERVICES["server"]["build"]["target"] == "server"
        assert 'CMD ["serve", "--all-interfaces"]' in SERVER
        assert SERVICES["server"]["command"][:2] == ["serve", "--all-interfaces"]

    def test_images_have_versions(self) -> None:
        images = {service["image"] for service in SERVICES.values() if "build" not in service}

        assert all(re.search(r":\d+\.\d+\.\d+$", image) for image in images)

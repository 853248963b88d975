"""`serendip doctor` and `serendip migrate` on damaged tables."""

import json
from collections.abc import Callable, Iterator
from time import sleep
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.config import Settings
from app.entry.cli.main import cli
from app.storage.admin import migration
from app.wiring import Wired
from tests.support.builders import a_project, wired_on
from tests.support.planted_models import publish
from tests.support.server_process import environment

Call = Callable[[str, dict[str, Any]], Any]
NO_STREAM = {"StreamEnabled": False}


def drop_table(call: Call, prefix: str) -> None:
    call("DeleteTable", {"TableName": f"{prefix}usage"})


def drop_index(call: Call, prefix: str) -> None:
    update = [{"Delete": {"IndexName": "changes"}}]
    table = {"TableName": f"{prefix}items"}
    call("UpdateTable", {**table, "GlobalSecondaryIndexUpdates": update})
    while "changes" in [
        index["IndexName"] for index in call("DescribeTable", table)["Table"]["GlobalSecondaryIndexes"]
    ]:
        sleep(0.1)


def stop_expiry(call: Call, prefix: str) -> None:
    off = {"AttributeName": "expires_at", "Enabled": False}
    call("UpdateTimeToLive", {"TableName": f"{prefix}buckets", "TimeToLiveSpecification": off})


def stop_stream(call: Call, prefix: str) -> None:
    call("UpdateTable", {"TableName": f"{prefix}events", "StreamSpecification": NO_STREAM})


DAMAGE = {
    "usage is missing": drop_table,
    "items lacks the index changes": drop_index,
    "buckets does not expire rows by expires_at": stop_expiry,
    "events has no stream of NEW_AND_OLD_IMAGES": stop_stream,
}


@pytest.fixture
def older(own: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wired]:
    """A separate deployment that the command line is configured for."""
    wired = wired_on(own)
    migration.migrate(wired.database)
    a_project(wired, own.project)
    for name, value in environment(own, own.project).items():
        monkeypatch.setenv(name, value)
    yield wired
    wired.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def findings() -> dict[str, str]:
    """The doctor's findings, each with its advice."""
    result = run("doctor", "--json")
    findings_by_name = {
        f"{check['name']} {check['detail']}": check["advice"]
        for check in json.loads(result.stdout)
        if not check["good"]
    }
    assert result.exit_code == (1 if findings_by_name else 0)
    return findings_by_name


class TestDoctor:
    def test_the_doctor_finds_nothing_in_a_healthy_deployment(self, older: Wired) -> None:
        assert older.services.settings.table_prefix.startswith("own")
        assert findings() == {}
        assert "All tables are as they should be." in run("migrate").stdout

    @pytest.mark.parametrize("what", DAMAGE)
    def test_missing_parts_of_tables_are_found_and_fixed(self, older: Wired, what: str) -> None:
        prefix = older.services.settings.table_prefix
        DAMAGE[what](older.database.call, prefix)

        assert findings() == {prefix + what: "Run `serendip migrate`."}
        assert f"Fixed: {prefix}{what}" in run("migrate").stdout.replace("\n", " ")
        assert findings() == {}

    def test_tables_with_other_keys_are_found_and_not_changed(self, older: Wired) -> None:
        prefix = older.services.settings.table_prefix
        older.database.call("DeleteTable", {"TableName": f"{prefix}buckets"})
        older.database.call(
            "CreateTable",
            {
                "TableName": f"{prefix}buckets",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            },
        )
        kept = {"id": {"S": "a row"}}
        older.database.call("PutItem", {"TableName": f"{prefix}buckets", "Item": kept})

        assert f"{prefix}buckets has other keys" in findings()
        result = run("migrate")
        assert result.exit_code == 1
        assert "has other keys" in result.stdout
        response = older.database.call("GetItem", {"TableName": f"{prefix}buckets", "Key": kept})
        assert response["Item"] == kept

    def test_an_active_version_that_does_not_exist_is_found(self, older: Wired) -> None:
        settings = older.services.settings
        publish(older, settings.project, {"a": {"b": 1.0}}, {"a": 1.0})
        key = {"project": {"S": settings.project}, "version": {"S": "v1"}}
        older.database.call("DeleteItem", {"TableName": f"{settings.table_prefix}versions", "Key": key})

        assert list(findings()) == ["model v1 is active but does not exist"]

    def test_a_project_without_a_valid_key_is_found(self, older: Wired) -> None:
        settings = older.services.settings
        for key in older.services.keys.list_all(settings.project):
            older.services.keys.revoke(settings.project, key.key_id)

        assert list(findings()) == [f"keys {settings.project} has no valid key"]

    def test_an_unreachable_database_is_one_finding(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in environment(settings, settings.project).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SERENDIP_ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setenv("SERENDIP_ATTEMPTS", "1")

        assert list(findings()) == ["database The database cannot be reached. Try again later."]

"""A stage's backup restored into a new stage, in the emulated cloud."""

import gzip
import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.config import Settings
from app.storage.admin import backups
from app.storage.admin.schema import LASTING
from app.storage.database import plain_name
from app.storage.objects import S3FileStore
from infra import stage
from infra.account import Account
from infra.deploy import restore
from infra.stage import prefix_of
from tests.support.builders import SECRET
from tests.support.cloud import MINISTACK, STAGE, Cloud
from tests.support.deployment_checks import FULL

LINES = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE

pytestmark = [
    pytest.mark.skipif(not MINISTACK.exists(), reason="MiniStack is not installed: make .venv/ministack"),
    pytest.mark.skipif(not FULL, reason="part of make deploy-check"),
]


class TestBackup:
    """The emulator accepts exports but writes no files: the test writes them in DynamoDB's format."""

    def test_a_new_stage_is_restored_from_a_backup(
        self, cloud: Cloud, shop_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cloud.make_recoverable()
        made = cloud.run("backup")
        assert made.returncode == 0, made.stderr
        bucket = cloud.files
        cloud.account.client("s3").delete_bucket_policy(Bucket=bucket)
        (backup,) = backups.listed(S3FileStore(bucket, "us-east-1"))
        assert set(backup.tables) == {plain_name(model) for model in LASTING}
        assert f"{backup.name}: {len(LASTING)} tables" in cloud.run("backup", "--list").stdout
        exported = {table: rows(cloud, STAGE, table) for table in backup.tables}
        for table, folder in backup.tables.items():
            body = gzip.compress(b"".join(exported[table]))
            cloud.account.client("s3").put_object(Bucket=bucket, Key=f"{folder}aaaa.json.gz", Body=body)

        tasks = '[training]\nSubnets = "subnet-1,subnet-2"\nMemory = 16384\n'
        (tmp_path / "back.toml").write_text((stage.STAGES / "dev.toml").read_text() + tasks)
        monkeypatch.setattr(stage, "STAGES", tmp_path)
        monkeypatch.setenv("AWS_REGION", os.environ["AWS_DEFAULT_REGION"])
        restore(backup.name, STAGE, "back")

        restored = {table: rows(cloud, "back", table) for table in backup.tables}
        assert restored == exported  # the stage itself may have more rows by now: its first training has begun
        assert cloud.account.secret("back") == cloud.account.secret(STAGE)
        with pytest.raises(SystemExit):
            restore(backup.name, STAGE, "back")  # the tables exist already
        monkeypatch.setattr(Account, "push_image", lambda *_: "image")  # TestImage covers the build
        back = Cloud(cloud.port, cloud.package)
        back.deploy(stage="back")
        worker = cloud.account.client("lambda").get_function_configuration(FunctionName=back.worker)
        task = Settings(secret=SECRET, training_task=worker["Environment"]["Variables"]["SERENDIP_TRAINING_TASK"])
        assert task.training_task
        assert task.training_task.subnets == ("subnet-1", "subnet-2")
        assert cloud.account.client("ecs").describe_task_definition(taskDefinition=task.training_task.task_definition)
        with back.client(shop_key) as client:
            assert client.get("/v1/items/i3").raise_for_status().json()["categories"] == ["odd"]
            assert client.get("/v1/users/u1/events").raise_for_status().json()["events"]


def rows(cloud: Cloud, stage: str, table: str) -> list[bytes]:
    """Returns the rows of a table as the lines of an export, sorted."""
    items = cloud.account.client("dynamodb").scan(TableName=prefix_of(stage) + table)["Items"]
    return sorted(orjson.dumps({"Item": _typed(item)}, option=LINES) for item in items)


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row in the export's form, with bytes as base64."""
    return {
        name: {
            kind: b64encode(value).decode() if isinstance(value, bytes) else value for kind, value in attribute.items()
        }
        for name, attribute in row.items()
    }

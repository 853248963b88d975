"""The templates deployed to an emulator of AWS by the code of `make deploy`, and driven from outside.

What MiniStack does not do is in infra/README.md.
"""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from app.entry.cli.operations import gateway_document
from app.storage.admin.schema import LASTING
from app.storage.database import plain_name
from infra import account, stage
from infra.account import Account
from infra.stacks import INLINE_BYTES, Failed, Stacks
from infra.stage import prefix_of
from infra.variants import Template, functions, load
from tests.support.cloud import AT, MINISTACK, STAGE, Cloud, soon, statements
from tests.support.deployment_checks import FULL
from tests.support.http_servers import Responder, served_by

pytestmark = pytest.mark.skipif(not MINISTACK.exists(), reason="MiniStack is not installed: make .venv/ministack")


@pytest.fixture
def client(cloud: Cloud, shop_key: str) -> Iterator[httpx2.Client]:
    with cloud.client(shop_key) as client:
        yield client


def ids(client: httpx2.Client, path: str) -> list[str]:
    return [item["item_id"] for item in client.get(path).raise_for_status().json()["items"]]


class TestDeployment:
    def test_the_api_answers_and_finds_its_tables(self, client: httpx2.Client) -> None:
        assert client.get("/health/ready").json() == {"status": "ok"}
        assert client.get("/v1/items/i3").json()["categories"] == ["odd"]
        refused = client.get("/v1/items/i3", headers={"x-api-key": "sk_wrong"})
        assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")

    def test_an_event_changes_the_next_read(self, client: httpx2.Client) -> None:
        event = {"user_id": "new", "item_id": "i1", "event_type": "view", "timestamp": AT}
        token = client.post("/v1/events", json={"events": [event]}).raise_for_status().json()["freshness_token"]

        assert "i1" not in ids(client, f"/v1/users/new/recommendations?fresh_after={token}")
        assert ids(client, "/v1/users/new/recommendations?include_seen=true")

    def test_the_stream_reaches_the_lists(self, client: httpx2.Client) -> None:
        assert soon(lambda: ids(client, "/v1/lists/popular"))

    def test_a_training_runs_in_the_worker_and_is_activated(self, cloud: Cloud, client: httpx2.Client) -> None:
        version = client.post("/v1/models").raise_for_status().json()["version"]

        def ended() -> Any:
            model = client.get(f"/v1/models/{version}").raise_for_status().json()
            return model if model["active"] or model["detail"] else None

        trained = soon(ended, 180, cloud.worker_log)
        assert (trained["state"], trained["active"]) == ("ready", True), (trained, cloud.worker_log())
        read = partial(client.get, "/v1/users/u1/recommendations")
        soon(lambda: read().json()["model_version"] == version, log=lambda: read().text)
        assert {int(item_id[1:]) % 2 for item_id in ids(client, "/v1/items/i1/similar?limit=3")} == {1}

    def test_jobs_import_and_export_files_in_the_worker(self, cloud: Cloud, client: httpx2.Client) -> None:
        """The test uploads the file with a URL that the function's role signed.

        The bucket's policy denies access without TLS, which the emulator does not support.
        """

        def ended(job_id: str) -> Any:
            def look() -> Any:
                job = client.get(f"/v1/jobs/{job_id}").raise_for_status().json()
                return job if job["ended_at"] else None

            return soon(look, 180, cloud.worker_log)

        request = {"kind": "import", "records": "users", "format": "csv", "columns": {"user_id": "who"}}
        job = client.post("/v1/jobs", json=request).raise_for_status().json()
        rows = b"who,plan\nbob,paid\n" + b"".join(b"u%d,free\n" % number for number in range(9)) + b",free\n"
        assert "explicit deny" in httpx2.put(job["upload_url"], content=rows).text
        cloud.account.client("s3").delete_bucket_policy(Bucket=cloud.files)
        httpx2.put(job["upload_url"], content=rows).raise_for_status()
        client.post(f"/v1/jobs/{job['job_id']}:start").raise_for_status()
        imported = ended(job["job_id"])
        exported = ended(client.post("/v1/jobs", json={"kind": "export"}).raise_for_status().json()["job_id"])
        erased = ended(client.post("/v1/jobs", json={"kind": "erasure", "user_id": "bob"}).json()["job_id"])

        log = cloud.worker_log()
        counts = imported["counts"]
        assert (imported["state"], counts["loaded"], counts["rejected"]) == ("succeeded", 10, 1), log
        assert (exported["state"], exported["counts"]["users"]) == ("succeeded", 10), log
        assert (erased["state"], erased["counts"]["profile"]) == ("succeeded", 1), log
        files = client.get(f"/v1/jobs/{exported['job_id']}/files").raise_for_status().json()["files"]
        (users,) = [file["url"] for file in files if file["name"].endswith("-users.jsonl")]
        assert len(httpx2.get(users).raise_for_status().content.splitlines()) == 10

    def test_a_socket_gets_responses_and_pushed_changes(
        self, cloud: Cloud, client: httpx2.Client, shop_key: str
    ) -> None:
        with connect(cloud.socket_url, open_timeout=60, additional_headers={"X-API-Key": shop_key}) as socket:
            socket.send('{"action": "subscribe", "user_id": "watcher", "limit": 3}')
            now = orjson.loads(socket.recv(60))
            client.post(
                "/v1/events", json={"events": [{"user_id": "watcher", "item_id": "i0", "timestamp": AT}]}
            ).raise_for_status()
            pushed = orjson.loads(socket.recv(60))

        assert now["action"] == pushed["action"] == "recommendations"
        assert pushed["items"] != now["items"]

    def test_a_socket_without_a_key_is_refused(self, cloud: Cloud) -> None:
        with pytest.raises(InvalidStatus) as refused, connect(cloud.socket_url):
            pass

        assert refused.value.response.status_code in {401, 403}

    def test_the_schedule_reaches_the_function_that_refreshes_lists(self, cloud: Cloud) -> None:
        (schedule,) = cloud.account.client("scheduler").list_schedules()["Schedules"]

        assert schedule["Name"].startswith(prefix_of(STAGE))
        target = cloud.account.client("scheduler").get_schedule(Name=schedule["Name"])["Target"]
        name = target["Arn"].partition(":function:")[2]
        answer = cloud.account.client("lambda").invoke(FunctionName=name, Payload=target["Input"])
        assert orjson.loads(answer["Payload"].read())["refreshed"] >= 0
        assert "FunctionError" not in answer

    def test_the_doctor_reports_what_the_emulator_omits_until_it_is_fixed(self, cloud: Cloud, shop_key: str) -> None:
        """MiniStack's CloudFormation enables neither TTL nor point-in-time recovery; DynamoDB's own calls do."""
        assert shop_key
        own = {prefix_of(STAGE) + plain_name(model) for model in LASTING}

        def faults() -> list[str]:
            doctor = cloud.run("doctor", "--json", SERENDIP_PROJECT="shop")
            failed = [
                f"{check['name']}: {check['detail']}" for check in orjson.loads(doctor.stdout) if not check["good"]
            ]
            assert doctor.returncode == (1 if failed else 0), doctor.stderr
            return failed

        assert len([fault for fault in faults() if "does not expire rows" in fault]) == 11
        assert cloud.run("migrate").returncode == 0
        assert {fault.partition(":")[0] for fault in faults()} == own
        cloud.make_recoverable()
        assert faults() == []

    def test_the_doctor_knows_the_front(self, cloud: Cloud, shop_key: str) -> None:
        """The emulator forwards requests to a URL that Lambda would refuse; only the doctor sees what is missing."""

        def finding() -> dict[str, Any]:
            checks = orjson.loads(cloud.run("doctor", "--json", SERENDIP_PROJECT="shop").stdout)
            (front,) = (check for check in checks if check["name"] == "front")
            assert isinstance(front, dict)
            return front

        assert shop_key
        before = finding()
        if "HttpApiId" in cloud.outputs:
            assert (before["good"], before["detail"]) == (
                True,
                f"no URL of {prefix_of(STAGE)}api: requests come through a gateway",
            )
            return
        cloud.deploy(without_call_permission)
        refused = finding()
        cloud.deploy()

        assert (before["good"], finding()["good"]) == (True, True)
        assert before["detail"] == f"{cloud.outputs['Url']}/, concurrency not reserved"
        assert "Set ApiConcurrency" in before["advice"]
        assert not refused["good"]
        assert refused["detail"].endswith("its policy lacks lambda:InvokeFunction")

    def test_a_rest_api_that_imports_the_openapi_document_reaches_the_function(
        self, cloud: Cloud, shop_key: str
    ) -> None:
        function = cloud.account.client("lambda").get_alias(FunctionName=f"{prefix_of(STAGE)}api", Name="live")
        document = gateway_document.importable(gateway_document.plain(), function["AliasArn"], rest=True)
        rest = {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "rest", "Body": document}}
        deployment = {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Api"}}}
        stage = {"RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "v"}
        made = {"Api": rest, "Deployment": deployment, "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": stage}}
        template = {"Resources": made, "Outputs": {"Api": {"Value": {"Ref": "Api"}}}}
        cloud.account.stacks.apply(
            "rest", template, {}, cloud.account.stacks.outputs("serendip-bootstrap")["CodeBucket"]
        )
        api = cloud.account.stacks.outputs("rest")["Api"]
        cloud.account.client("lambda").add_permission(
            FunctionName=function["AliasArn"],
            StatementId="rest",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )

        with httpx2.Client(base_url=f"{cloud.endpoint}/_aws/execute-api/{api}/v", timeout=60) as client:
            client.headers["x-api-key"] = shop_key
            assert client.get("/v1/items/i3").json()["categories"] == ["odd"]
            assert client.post("/v1/models/none:activate").status_code == 404

    def test_deploying_again_changes_nothing(self, cloud: Cloud) -> None:
        before = cloud.account.client("lambda").list_functions()["Functions"]
        cloud.deploy()

        assert cloud.account.client("lambda").list_functions()["Functions"] == before

    def test_any_change_publishes_a_version_and_moves_the_alias(self, cloud: Cloud, client: httpx2.Client) -> None:
        def serving() -> str:
            functions = cloud.account.client("lambda")
            version: str = functions.get_alias(FunctionName=f"{prefix_of(STAGE)}api", Name="live")["FunctionVersion"]
            return version

        before = serving()
        cloud.deploy(more_memory)
        after = serving()
        cloud.deploy()

        assert int(after) == int(before) + 1
        assert client.get("/health/ready").is_success

    def test_a_setting_that_changes_no_function_publishes_no_version(
        self, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def versions() -> list[str]:
            listed = cloud.account.client("lambda").list_versions_by_function(FunctionName=f"{prefix_of(STAGE)}api")
            return [version["Version"] for version in listed["Versions"]]

        before = versions()
        text = (stage.STAGES / f"{STAGE}.toml").read_text()
        (tmp_path / f"{STAGE}.toml").write_text(text.replace("RequestsPerSecond = 100", "RequestsPerSecond = 99"))
        assert "RequestsPerSecond = 100" in text
        monkeypatch.setattr(stage, "STAGES", tmp_path)
        cloud.deploy()

        assert versions() == before


class TestRefusals:
    def test_functions_cannot_change_their_flavour(self, cloud: Cloud) -> None:
        refused = cloud.make("deploy", "--stage", STAGE, "--flavour", "image")

        assert refused.returncode == 1
        assert "The stage dev was deployed from zip" in refused.stderr
        assert "FLAVOUR=zip" in refused.stderr

    def test_three_functions_are_merged_only_if_the_file_says_so(
        self, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A copy of a stage's file may be older than the setting, whose default is one function."""
        text = (stage.STAGES / f"{STAGE}.toml").read_text()
        stage.check_functions(cloud.account, STAGE)
        (tmp_path / f"{STAGE}.toml").write_text(re.sub(r'functions = "\w+"', "", text))
        monkeypatch.setattr(stage, "STAGES", tmp_path)

        with ExitStack() as stack:
            if cloud.worker.endswith("worker"):
                stack.enter_context(pytest.raises(Failed, match="has three functions"))
            stage.check_functions(cloud.account, STAGE)

    def test_alarms_of_production_need_a_recipient(self, cloud: Cloud) -> None:
        refused = cloud.make("deploy", "--stage", "prod")

        assert refused.returncode == 1
        assert "needs an address that gets alarms: make deploy STAGE=prod EMAIL=..." in refused.stderr


class TestAccount:
    def test_a_role_that_api_gateway_already_has_stays(self, cloud: Cloud) -> None:
        gateways, own = cloud.account.client("apigateway"), cloud.account.gateway_role()
        other = own.rpartition("/")[0] + "/another"
        change = {"op": "replace", "path": "/cloudwatchRoleArn"}
        assert ":role/" in own

        gateways.update_account(patchOperations=[change | {"value": other}])
        cloud.deploy()
        kept = cloud.account.gateway_role()

        assert kept == other
        assert cloud.account.client("iam").get_role(RoleName=own.rpartition("/")[2])

    def test_long_templates_are_read_from_the_bucket(self, cloud: Cloud) -> None:
        """CloudFormation reads it with the caller's permissions; a signed URL has another host and may be too long."""
        sent: list[str] = []
        clients = cloud.account.client("cloudformation"), cloud.account.client("s3")
        clients[0].meta.events.register(
            "provide-client-params.cloudformation.CreateChangeSet",
            lambda params, **_: sent.append(params["TemplateURL"]),
        )
        long: Template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}, "Metadata": {"much": "x" * INLINE_BYTES}}
        bucket = cloud.account.stacks.outputs(stage.BOOTSTRAP)["CodeBucket"]

        Stacks(*clients).apply("long", long, {}, bucket)

        assert sent == [f"{cloud.endpoint}/{bucket}/templates/long.json"]

    def test_a_low_limit_of_executions_is_said_and_cannot_be_reserved(
        self, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """New accounts allow 10; the emulator has the limit of older ones."""
        assert stage.check_concurrency(cloud.account, STAGE) == ""

        monkeypatch.setattr(Account, "concurrency", lambda _: 10)
        assert "allows only 10 requests" in stage.check_concurrency(cloud.account, STAGE)
        text = (stage.STAGES / f"{STAGE}.toml").read_text()
        (tmp_path / f"{STAGE}.toml").write_text(text.replace("[application]", "[application]\nApiConcurrency = 5"))
        monkeypatch.setattr(stage, "STAGES", tmp_path)
        with pytest.raises(Failed, match="reserves 5 concurrent executions, but this account allows 10"):
            stage.check_concurrency(cloud.account, STAGE)

    def test_the_doctor_says_how_a_new_account_gets_more_executions(self, cloud: Cloud, shop_key: str) -> None:
        class Limits(Responder):
            def do_GET(self) -> None:
                if "account-settings" in self.path:
                    limit = {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
                    self.respond(200, orjson.dumps({"AccountLimit": limit}))
                else:
                    self.respond(404, b"{}", {"x-amzn-ErrorType": "ResourceNotFoundException"})

        assert shop_key
        with served_by(Limits) as address:
            shown = cloud.run("doctor", "--json", SERENDIP_PROJECT="shop", AWS_ENDPOINT_URL_LAMBDA=address).stdout

        (check,) = (check for check in orjson.loads(shown) if check["name"] == "concurrency")
        assert check["detail"] == "the account allows 10 executions at a time, 10 of them not reserved"
        assert check["advice"].startswith("Ask AWS for 1,000")

    def test_credentials_of_another_account_are_refused(
        self, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = (stage.STAGES / f"{STAGE}.toml").read_text()
        (tmp_path / "own.toml").write_text(f'account = "{cloud.account.number}"\n{text}')
        (tmp_path / "other.toml").write_text(f'account = "123456789012"\n{text}')
        monkeypatch.setattr(stage, "STAGES", tmp_path)

        stage.check_account(cloud.account, "own")
        with pytest.raises(Failed, match="belongs to the account 123456789012, the credentials to 0"):
            stage.check_account(cloud.account, "other")

    def test_resources_are_tagged_with_their_stage(self, cloud: Cloud) -> None:
        functions = cloud.account.client("lambda")
        arn = functions.get_function(FunctionName=f"{prefix_of(STAGE)}api")["Configuration"]["FunctionArn"]

        assert functions.list_tags(Resource=arn)["Tags"]["serendip-stage"] == STAGE


class TestReplay:
    def test_lost_batches_are_applied_and_leave_the_queue(self, cloud: Cloud, client: httpx2.Client) -> None:
        functions, queues = cloud.account.client("lambda"), cloud.account.client("sqs")
        (mapping,) = functions.list_event_source_mappings()["EventSourceMappings"]
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        client.put("/v1/items/lost", json={}).raise_for_status()
        before = {record["eventID"] for record in streamed(cloud)}
        event = {"item_id": "lost", "event_type": "purchase", "timestamp": AT}
        events = [{**event, "user_id": f"lost{n}"} for n in range(30)]
        client.post("/v1/events", json={"events": events}).raise_for_status()
        missed = [record for record in streamed(cloud) if record["eventID"] not in before]
        sequences = [record["dynamodb"]["SequenceNumber"] for record in missed]
        # Stamps of changed partitions are among them, unless the function wrote these within the last minute.
        assert sum("item_id" in record["dynamodb"]["NewImage"] for record in missed) == 30
        place = {"streamArn": mapping["EventSourceArn"], "shardId": shard(cloud), "batchSize": len(missed)}
        batch = place | {"startSequenceNumber": sequences[0], "endSequenceNumber": sequences[-1]}
        gone = batch | {"streamArn": mapping["EventSourceArn"] + "0"}
        queue = queues.get_queue_url(QueueName=f"{prefix_of(STAGE)}lost-batches")["QueueUrl"]
        for message in (batch, gone):
            body = orjson.dumps({"version": "1.0", "DDBStreamBatchInfo": message}).decode()
            queues.send_message(QueueUrl=queue, MessageBody=body)

        replayed = cloud.run("stream", "replay")

        assert replayed.returncode == 0, replayed.stderr
        assert f"2 batches: {len(missed)} records applied." in replayed.stdout
        assert "1 batches are older than a day" in replayed.stdout
        attributes = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        assert attributes["ApproximateNumberOfMessages"] == attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
        soon(lambda: "lost" in ids(client, "/v1/lists/popular"))
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def shard(cloud: Cloud) -> str:
    """Return the only shard of the stream of events."""
    table = cloud.account.client("dynamodb").describe_table(TableName=f"{prefix_of(STAGE)}events")["Table"]
    streams = cloud.account.client("dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=table["LatestStreamArn"])["StreamDescription"]["Shards"]
    shard_id: str = shard["ShardId"]
    return shard_id


def streamed(cloud: Cloud) -> list[dict[str, Any]]:
    """Return all records of the stream of events."""
    table = cloud.account.client("dynamodb").describe_table(TableName=f"{prefix_of(STAGE)}events")["Table"]
    streams, records = cloud.account.client("dynamodbstreams"), list[dict[str, Any]]()
    place = {"StreamArn": table["LatestStreamArn"], "ShardId": shard(cloud), "ShardIteratorType": "TRIM_HORIZON"}
    iterator = streams.get_shard_iterator(**place)["ShardIterator"]
    while page := streams.get_records(ShardIterator=iterator)["Records"]:
        records += page
        after = page[-1]["dynamodb"]["SequenceNumber"]
        place |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        iterator = streams.get_shard_iterator(**place)["ShardIterator"]
    return records


class TestAlarms:
    def test_their_recipient_is_kept_by_later_deployments(self, cloud: Cloud) -> None:
        cloud.deploy(email="ops@shop.example")
        recipient = stage.recipient(cloud.account, STAGE)
        cloud.deploy(email=recipient)
        topics = cloud.account.client("sns")

        (subscription,) = topics.list_subscriptions()["Subscriptions"]
        assert recipient == subscription["Endpoint"] == "ops@shop.example"
        described = cloud.account.client("cloudwatch").describe_alarms()["MetricAlarms"]
        assert {name for alarm in described for name in alarm["AlarmActions"]} == {subscription["TopicArn"]}


class TestFirstDeployment:
    def test_one_that_failed_can_be_repeated(
        self, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = (stage.STAGES / f"{STAGE}.toml").read_text()
        protected = text.replace('DeletionProtection = "false"', 'DeletionProtection = "true"')
        assert protected != text
        (tmp_path / "first.toml").write_text(protected)
        monkeypatch.setattr(stage, "STAGES", tmp_path)
        first, tables = Cloud(cloud.port, cloud.package), cloud.account.client("dynamodb")

        def made() -> list[str]:
            return [name for name in tables.list_tables()["TableNames"] if name.startswith(prefix_of("first"))]

        with monkeypatch.context() as patch:
            patch.setattr(stage, "load", lambda name: without_end(load(name)) if name == "tables" else load(name))
            with pytest.raises(Failed, match="first-tables failed:\n  Never: "):
                first.deploy(stage="first")
        assert made() == []
        with pytest.raises(Failed, match="first-application failed:\n  Never: "):
            first.deploy(without_end, stage="first")
        first.deploy(stage="first")

        with first.client() as client:
            assert client.get("/health/ready").json() == {"status": "ok"}
        (description,) = (tables.describe_table(TableName=name)["Table"] for name in made() if name.endswith("-items"))
        assert description["DeletionProtectionEnabled"]


def inventory(account: Account) -> dict[str, list[str]]:
    """Return what an account holds, by kind."""
    listed = {
        "functions": account.client("lambda").list_functions()["Functions"],
        "mappings": account.client("lambda").list_event_source_mappings()["EventSourceMappings"],
        "tables": account.client("dynamodb").list_tables()["TableNames"],
        "roles": account.client("iam").list_roles()["Roles"],
        "queues": account.client("sqs").list_queues().get("QueueUrls", []),
        "topics": account.client("sns").list_topics()["Topics"],
        "apis": account.client("apigatewayv2").get_apis()["Items"],
        "alarms": account.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "dashboards": account.client("cloudwatch").list_dashboards()["DashboardEntries"],
        "schedules": account.client("scheduler").list_schedules()["Schedules"],
        "groups": account.client("logs").describe_log_groups()["logGroups"],
        "buckets": account.client("s3").list_buckets()["Buckets"],
        "parameters": account.client("ssm").describe_parameters()["Parameters"],
        "exports": account.client("cloudformation").list_exports()["Exports"],
    }
    return {kind: sorted(_name(entry) for entry in entries) for kind, entries in listed.items()}


def _name(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    kinds = ["FunctionName", "UUID", "RoleName", "TopicArn", "Name", "AlarmName", "DashboardName", "logGroupName"]
    return str(next(entry[kind] for kind in kinds if kind in entry))


class TestDestroy:
    def test_nothing_of_a_stage_is_left(self, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "short.toml").write_text((stage.STAGES / f"{STAGE}.toml").read_text())
        monkeypatch.setattr(stage, "STAGES", tmp_path)
        before, short = inventory(cloud.account), Cloud(cloud.port, cloud.package)
        short.deploy(stage="short", email="ops@shop.example")
        files = cloud.account.stacks.outputs(f"{prefix_of('short')}tables")["Files"]
        cloud.account.client("s3").put_object(Bucket=files, Key="of-shop/rows.csv", Body=b"user_id")
        during = inventory(cloud.account)

        stage.tear_down(cloud.account, "short")

        assert {kind for kind in before if during[kind] != before[kind]} == set(before)
        assert inventory(cloud.account) == before
        assert not cloud.account.stacks.exists(f"{prefix_of('short')}tables")
        stage.tear_down(cloud.account, "short")  # a second time changes nothing

    def test_a_protected_stage_and_a_mistyped_name_are_refused(self, cloud: Cloud) -> None:
        protected = cloud.make("destroy", "--stage", "prod", "--confirm", "prod")
        mistyped = cloud.make("destroy", "--stage", "dev", "--confirm", "def")

        assert (protected.returncode, mistyped.returncode) == (1, 1)
        assert "The tables of prod are protected" in protected.stderr
        assert "Nothing was deleted" in mistyped.stderr
        assert cloud.account.stacks.exists(f"{prefix_of(STAGE)}tables")


class TestImage:
    def test_the_image_is_built_for_arm64_and_pushed_once(
        self, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A stub replaces Docker and records its arguments: no engine runs here."""
        notes = tmp_path / "notes"
        (tmp_path / "docker").write_text(f'#!/bin/sh\necho "$@" >> {notes}\n')
        (tmp_path / "docker").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        repository = cloud.account.stacks.outputs("serendip-bootstrap")["Images"]

        name = cloud.account.push_image(repository)
        login, building = notes.read_text().splitlines()
        assert login == f"login --username AWS --password-stdin {repository.partition('/')[0]}"
        assert building == f"buildx build --platform linux/arm64 --provenance=false --tag {name} --push ."

        manifest = {"schemaVersion": 2, "config": {"digest": "sha256:" + "0" * 64}}
        cloud.account.client("ecr").put_image(
            repositoryName="serendip",
            imageTag=name.rpartition(":")[2],
            imageManifest=orjson.dumps(manifest).decode(),
            imageManifestMediaType="application/vnd.docker.distribution.manifest.v2+json",
        )
        assert cloud.account.push_image(repository) == name
        assert len(notes.read_text().splitlines()) == 2

    def test_without_docker_the_error_suggests_the_zip_flavour(
        self, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(account, "sources_digest", lambda: "other")

        with pytest.raises(Failed, match="FLAVOUR=zip does not need it"):
            cloud.account.push_image(cloud.account.stacks.outputs("serendip-bootstrap")["Images"])


def more_memory(template: Template) -> None:
    functions(template)["ApiFunction"]["MemorySize"] = 2048


def without_end(template: Template) -> Template:
    """Plants a resource that fails after all others of a stack were created."""
    made = template["Resources"]
    made["Never"] = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": [name for name, resource in made.items() if "Condition" not in resource],
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "1"},
    }
    made["Handle"] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    return template


def without_call_permission(template: Template) -> None:
    del template["Resources"]["UrlCallPermission"]


def without_query(template: Template) -> None:
    for statement in statements(template, "ApiFunction"):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        statement["Action"] = [action.replace("dynamodb:Query", "dynamodb:GetItem") for action in actions]


def without_worker(template: Template) -> None:
    del functions(template)["ApiFunction"]["Environment"]["Variables"]["SERENDIP_WORKER_FUNCTION"]


def without_secret(template: Template) -> None:
    del template["Globals"]["Function"]["Environment"]["Variables"]["SERENDIP_SECRET_PARAMETER"]


def with_no_such_handler(template: Template) -> None:
    functions(template)["ApiFunction"]["Handler"] = "app.entry.awz.handler"


@pytest.mark.skipif(not FULL, reason="part of make deploy-check")
class TestFaults:
    """Each fault is planted in the deployed template and observed from outside."""

    @pytest.mark.parametrize(
        ("fault", "call", "status"),
        [
            (without_query, ("GET", "/v1/items"), 503),
            (without_worker, ("POST", "/v1/models"), 501),
            (without_secret, ("GET", "/health/live"), 502),
            (with_no_such_handler, ("GET", "/health/live"), 502),
        ],
    )
    def test_a_planted_fault_is_seen_and_gone_once_fixed(
        self, cloud: Cloud, shop_key: str, fault: Any, call: tuple[str, str], status: int
    ) -> None:
        with cloud.client(shop_key) as client:
            cloud.deploy(fault)
            seen = client.request(*call)
            cloud.deploy()
            fixed = client.request(*call)

        assert (seen.status_code, fixed.is_success) == (status, True), seen.text

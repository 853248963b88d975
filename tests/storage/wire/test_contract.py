"""Calls for rows give the same answers and errors on the lean path as through botocore."""

from collections.abc import Callable
from email.utils import formatdate
from time import time
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
)
from botocore.session import Session
from pynamodb.exceptions import VerboseClientError

from app import telemetry
from app.config import Settings
from tests.support.dynamodb_paths import ANSWER, FINE, TABLE, Server, a_connection, both, outcome, refuse, reply
from tests.support.http_servers import Responder


def hang_up(responder: Responder) -> None:
    responder.close_connection = True


def truncate(responder: Responder) -> None:
    responder.send_response(200)
    responder.send_header("content-length", "1000")
    responder.end_headers()
    responder.wfile.write(b'{"Attributes": {}}')
    responder.close_connection = True


def chunk(responder: Responder) -> None:
    responder.send_response(200)
    responder.send_header("transfer-encoding", "chunked")
    responder.end_headers()
    for part in (b'{"Attributes": {"key"', b': {"S": "a"}}}'):
        responder.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
    responder.wfile.write(b"0\r\n\r\n")


SCRIPTS: dict[str, tuple[list[Callable[[Responder], None]], int]] = {
    "an answer": ([FINE], 1),
    "an answer in chunks": ([chunk], 1),
    "an empty answer": ([reply(200, {})], 1),
    "no access": ([refuse("AccessDeniedException")], 1),
    "expired credentials": ([refuse("ExpiredTokenException")], 1),
    "unknown credentials": ([refuse("UnrecognizedClientException")], 1),
    "a missing table": ([refuse("ResourceNotFoundException")], 1),
    "a refused row": ([refuse("ConditionalCheckFailedException", Item={"key": {"B": "AP8="}})], 1),
    "throttled once": ([refuse("ProvisionedThroughputExceededException"), FINE], 2),
    "a conflict of regions": ([refuse("ReplicatedWriteConflictException"), FINE], 2),
    "throttled without a body": ([reply(429, ""), FINE], 2),
    "a server error": ([refuse("InternalServerError", 500), FINE], 2),
    "a server error for ever": ([refuse("InternalServerError", 500)], 3),
    "an error page": ([reply(503, "<html>Busy</html>"), FINE], 2),
    "an error page for ever": ([reply(503, "<html>Busy</html>")], 3),
    "an error that is no JSON": ([reply(400, "what?")], 1),
    "a wrong checksum": ([reply(200, {}, x_amz_crc32="1"), FINE], 2),
    "a truncated answer": ([truncate, FINE], 2),
    "no answer": ([hang_up, FINE], 2),
    "no answer for ever": ([hang_up], 3),
}


VALUES: dict[str, Any] = {
    "binary": {"B": bytes(range(256))},
    "binaries": {"BS": [b"a", b"\xff\x00"]},
    "empty binary": {"B": b""},
    "empty text": {"S": ""},
    "empty list": {"L": []},
    "empty map": {"M": {}},
    "nothing": {"NULL": True},
    "yes": {"BOOL": True},
    "unicode": {"S": 'Ünïcödé \u2028 \U0001f9ed \x00 "B" \\'},
    "large number": {"N": "1234567890123456789012345678901234567.8"},
    "small number": {"N": "-0.000001"},
    "numbers": {"NS": ["1", "2.5"]},
    "texts": {"SS": ["a", "b"]},
    "deep": {"M": {"B": {"L": [{"M": {"B": {"B": b"deep"}, "BS": {"S": "text"}}}, {"B": b"in a list"}]}}},
    "B": {"S": "an attribute of that name"},
    "BS": {"L": [{"S": "of that name too"}]},
}
KEY = {"key": {"S": "contract"}}
ROW = {**KEY, **VALUES}
PUT = {"TableName": TABLE, "Item": ROW}
FREE = {
    "ConditionExpression": "attribute_not_exists(#k)",
    "ExpressionAttributeNames": {"#k": "key"},
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
LONG = {"TableName": TABLE, "Item": {**KEY, "text": {"S": "x" * 410_000}}}
REQUESTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("PutItem", {**PUT, "ReturnConsumedCapacity": "TOTAL"}),
    ("GetItem", {"TableName": TABLE, "Key": KEY, "ConsistentRead": True, "ReturnConsumedCapacity": "INDEXES"}),
    ("GetItem", {"TableName": TABLE, "Key": {"key": {"S": "missing"}}}),
    ("BatchGetItem", {"RequestItems": {TABLE: {"Keys": [KEY, {"key": {"S": "missing"}}]}}}),
    ("PutItem", {**PUT, "ReturnValues": "ALL_OLD"}),
    ("PutItem", {**PUT, **FREE}),
    ("PutItem", LONG),
    ("PutItem", {"TableName": TABLE, "Item": {}}),
    ("PutItem", {"TableName": TABLE, "Item": {"key": {"S": "half a pair"}, "text": {"S": "\ud800"}}}),
    ("GetItem", {"TableName": TABLE, "Key": {"key": {"S": "half a pair"}}}),
    ("DeleteItem", {"TableName": TABLE, "Key": {"key": {"S": "half a pair"}}}),
    ("PutItem", {"TableName": "nowhere", "Item": ROW}),
    (
        "UpdateItem",
        {
            "TableName": TABLE,
            "Key": KEY,
            "UpdateExpression": "SET title = :b ADD numbers :n",
            "ExpressionAttributeValues": {":b": {"B": b"\xfe"}, ":n": {"NS": ["3"]}},
            "ReturnValues": "ALL_NEW",
        },
    ),
    (
        "Query",
        {
            "TableName": TABLE,
            "KeyConditionExpression": "#k = :k",
            "ExpressionAttributeNames": {"#k": "key"},
            "ExpressionAttributeValues": {":k": KEY["key"]},
        },
    ),
    (
        "Scan",
        {
            "TableName": TABLE,
            "FilterExpression": "#k = :k",
            "ExpressionAttributeNames": {"#k": "key"},
            "ExpressionAttributeValues": {":k": KEY["key"]},
        },
    ),
    ("TransactWriteItems", {"TransactItems": [{"Put": {**PUT, **FREE}}, {"Put": {"TableName": TABLE, "Item": ROW}}]}),
    (
        "TransactWriteItems",
        {"TransactItems": [{"Put": {**PUT, **FREE}}, {"Delete": {"TableName": TABLE, "Key": {"key": {"S": "b"}}}}]},
    ),
    ("TransactWriteItems", {"TransactItems": [{"Put": PUT}], "ReturnConsumedCapacity": "TOTAL"}),
    ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": TABLE, "Key": KEY}}]}),
    ("BatchWriteItem", {"RequestItems": {TABLE: [{"PutRequest": {"Item": ROW}}]}}),
    ("DeleteItem", {"TableName": TABLE, "Key": KEY, "ReturnValues": "ALL_OLD"}),
    ("GetItem", {"TableName": TABLE, "Key": KEY}),
)


def sorted_sets(value: Any) -> Any:
    """Sorts sets, which DynamoDB returns in any order."""
    if isinstance(value, list):
        return [sorted_sets(element) for element in value]
    if isinstance(value, dict):
        return {
            name: sorted(part) if name in {"BS", "NS", "SS"} and isinstance(part, list) else sorted_sets(part)
            for name, part in value.items()
        }
    return value


class TestRows:
    def test_both_paths_write_and_read_alike(self, settings: Settings) -> None:
        with both(str(settings.endpoint)) as calls:
            outcomes = {
                path: [sorted_sets(outcome(call, operation, dict(request))) for operation, request in REQUESTS]
                for path, call in calls.items()
            }

        for request, expected, actual in zip(REQUESTS, *outcomes.values(), strict=True):
            assert actual == expected, request
        assert outcomes["lean"][1]["Item"] == sorted_sets(ROW)

    def test_each_path_reads_what_the_other_wrote(self, settings: Settings) -> None:
        with both(str(settings.endpoint)) as calls:
            for writes, reads in (("botocore", "lean"), ("lean", "botocore")):
                calls[writes]("PutItem", {"TableName": TABLE, "Item": {**ROW, "key": {"S": writes}}})
                answer = calls[reads]("GetItem", {"TableName": TABLE, "Key": {"key": {"S": writes}}})
                calls[writes]("DeleteItem", {"TableName": TABLE, "Key": {"key": {"S": writes}}})

                assert sorted_sets(answer["Item"]) == sorted_sets({**ROW, "key": {"S": writes}})

    def test_reasons_of_a_cancelled_transaction_reach_pynamo(self, settings: Settings) -> None:
        connection = a_connection(settings.endpoint)
        connection.dispatch("PutItem", dict(PUT))

        with pytest.raises(VerboseClientError) as raised:
            connection.dispatch("TransactWriteItems", {"TransactItems": [{"Put": {**PUT, **FREE}}]})

        [reason] = raised.value.cancellation_reasons
        assert reason is not None
        assert reason.code == "ConditionalCheckFailed"
        assert reason.raw_item is not None
        assert reason.raw_item["binary"] == ROW["binary"]
        connection.dispatch("DeleteItem", {"TableName": TABLE, "Key": KEY})
        connection.client.close()

    def test_calls_are_counted_with_their_units(self, settings: Settings) -> None:
        connection = a_connection(settings.endpoint)
        with telemetry.logging_context(telemetry.RequestLog()) as log:
            connection.dispatch("GetItem", {"TableName": TABLE, "Key": KEY, "ConsistentRead": True})

        assert (log.calls, log.read_units) == (1, 1.0)
        connection.client.close()

    def test_a_client_is_not_built_for_rows(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        connection = a_connection(settings.endpoint)
        monkeypatch.setattr(Session, "create_client", None)
        connection.dispatch("GetItem", {"TableName": TABLE, "Key": KEY})
        connection.client.close()


class TestScripts:
    @pytest.mark.parametrize("name", SCRIPTS)
    def test_both_paths_end_alike_after_as_many_attempts(self, server: Server, name: str) -> None:
        replies, attempts = SCRIPTS[name]
        outcomes, sent = [], []
        with both(server.address) as calls:
            for call in calls.values():
                server.play(*replies)
                outcomes.append(outcome(call, "PutItem", {"TableName": TABLE, "Item": {}}))
                sent.append(server.requests)

        assert outcomes[0] == outcomes[1]
        assert [len(requests) for requests in sent] == [attempts, attempts]
        assert sent[0][0]["X-Amz-Target"] == sent[1][0]["X-Amz-Target"]
        assert sent[0][0]["Content-Type"] == sent[1][0]["Content-Type"]

    def test_a_checksum_that_stays_wrong_is_an_error(self, server: Server) -> None:
        """Through botocore, the last attempt counts as an answer."""
        server.play(reply(200, ANSWER, x_amz_crc32="1"))
        with both(server.address) as calls, pytest.raises(BotoCoreError, match="crc32"):
            calls["lean"]("GetItem", {"TableName": TABLE, "Key": {}})

        assert len(server.requests) == 3

    def test_a_wrong_clock_is_corrected_by_the_servers(self, server: Server) -> None:
        """Through botocore, all calls would fail."""

        def an_hour_ahead(responder: Responder) -> None:
            later = formatdate(time() + 3_600, usegmt=True)
            reply(400, {"__type": "x#InvalidSignatureException", "message": "No."}, Date=later)(responder)

        server.play(an_hour_ahead, FINE)
        with both(server.address) as calls:
            for _ in range(2):
                assert calls["lean"]("PutItem", {"TableName": TABLE, "Item": {}}) == ANSWER

        first, *later = [request["X-Amz-Date"][9:11] for request in server.requests]
        assert {int(hour) for hour in later} == {(int(first) + 1) % 24}

    def test_a_signature_refused_at_the_right_time_is_an_error(self, server: Server) -> None:
        server.play(refuse("InvalidSignatureException"))
        with both(server.address) as calls:
            both_ways = [outcome(call, "GetItem", {}) for call in calls.values()]

        assert both_ways[0] == both_ways[1]
        assert len(server.requests) == 2

    def test_the_quota_of_retries_ends(self, server: Server) -> None:
        """500 tokens, 14 for each retry after a server error."""
        server.play(refuse("InternalServerError", 500))
        with both(server.address, attempts=2) as calls:
            for _ in range(40):
                outcome(calls["lean"], "GetItem", {})

        assert len(server.requests) == 40 + 500 // 14

"""A stream of events that delivers records twice, late and in any order."""

import random
import time
from typing import Any

import httpx2
import orjson

from app.entry.local.dynamodb import UNCHECKED
from tests.support.faulty_dynamodb import proxy, throttled
from tests.trial.ledger import Ledger
from tests.trial.record import Record
from tests.trial.stage import Stage

SEED = 19
AGAIN = 20
"""Earlier records that come again with each batch."""
THROTTLED = 0.05
"""Part of the other calls that fail; three attempts are made for each."""
HEADERS = {
    "X-Amz-Target": "DynamoDBStreams_20120810.GetRecords",
    "Content-Type": "application/x-amz-json-1.0",
    "Authorization": UNCHECKED,
}


def shuffled(stage: Stage, record: Record) -> None:
    """Batches of the stream with records repeated, earlier ones again, all in random order, while calls fail."""
    choose, earlier, repeated = random.Random(SEED), list[Any](), 0

    def fault(operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        nonlocal repeated
        if operation != "GetRecords":
            return throttled() if choose.random() < THROTTLED else None
        answer = client.post(stage.emulator.endpoint, content=orjson.dumps(request), headers=HEADERS)
        content = answer.json()
        if answer.is_success and content["Records"]:
            again = choose.sample(earlier, min(AGAIN, len(earlier)))
            repeated += len(again) + len(content["Records"])
            earlier.extend(content["Records"])
            content["Records"] = choose.sample(content["Records"] * 2 + again, 2 * len(content["Records"]) + len(again))
        return answer.status_code, content

    with httpx2.Client() as client, proxy(stage.emulator.endpoint, fault) as endpoint:
        stage.serve(endpoint=endpoint)
        ledger = Ledger(stage, record, "stream")
        ledger.prepare()
        with stage.watched(record), ledger.writing(3):
            time.sleep(3.0 if stage.is_short else 10.0)
        ledger.recount()
        stage.kill()
    record.expect(repeated, "no record was repeated")
    record.note(f"{repeated} records repeated")

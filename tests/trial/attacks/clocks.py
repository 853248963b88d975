"""A clock that jumps by an hour, forth and back."""

import time

import httpx2

from tests.trial.ledger import Ledger
from tests.trial.record import Record
from tests.trial.stage import Stage

HOUR = 3600.0
JUMPS = (HOUR, 0.0, -HOUR, 0.0)
PATIENCE_SECONDS = 5.0
PHASE_SECONDS = 2.0


def jumps(stage: Stage, record: Record) -> None:
    """Jumps of an hour both ways, while events are written and a key with a rate limit is in use."""
    stage.serve()
    ledger = Ledger(stage, record, "clock")
    ledger.prepare()
    try:
        with stage.watched(record), ledger.writing(3), stage.client("limited") as limited, stage.client() as client:
            _expect_soon(record, limited, "before any jump")
            for shift in JUMPS:
                stage.shift_clock(shift)
                when = f"after the clock went to {shift / HOUR:+.0f} h"
                _expect_soon(record, limited, when)
                response = record.send(client, "GET", "/v1/users/u1/recommendations", 200)
                record.expect(response is None or response.json()["items"], f"an empty list {when}")
                time.sleep(PHASE_SECONDS)
        ledger.recount()
    finally:
        stage.shift_clock(0.0)


def _expect_soon(record: Record, limited: httpx2.Client, when: str) -> None:
    """The key uses its burst, and gets tokens again at its rate."""
    for _ in range(30):
        record.send(limited, "GET", "/v1/items/i1", 200, 429)
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        response = record.send(limited, "GET", "/v1/items/i1", 200, 429)
        if response is not None and response.status_code == 200:
            return
        time.sleep(0.2)
    record.fault(f"the key with a rate gets only 429 for {PATIENCE_SECONDS:.0f} s {when}")

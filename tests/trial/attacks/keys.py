"""Keys that were never made."""

import random
from concurrent.futures import ThreadPoolExecutor
from string import ascii_letters, digits
from zlib import crc32

from tests.trial.record import Record
from tests.trial.stage import Stage

ALPHABET = digits + ascii_letters
KEYS, MOST_CALLS = 300, 30
SEED = 19


def made_up(stage: Stage, record: Record) -> None:
    """300 keys that look right, each with an id of its own: they may not cost a read each."""
    stage.serve(endpoint=stage.proxy.endpoint)
    choose = random.Random(SEED)
    keys = [_made_up(choose) for _ in range(KEYS)]
    with stage.client("") as client, stage.watched(record), ThreadPoolExecutor(4) as senders:
        before = stage.proxy.calls
        list(senders.map(lambda key: record.send(client, "GET", "/v1/items/i1", 401, headers={"X-API-Key": key}), keys))
        calls = stage.proxy.calls - before
    record.expect(calls <= MOST_CALLS, f"{calls} calls of the database for {KEYS} made-up keys")
    record.note(f"{calls} calls of the database")


def _made_up(choose: random.Random) -> str:
    """A key as its public description allows: with a checksum that is right."""
    body = "sk_" + "".join(choose.choices(ALPHABET, k=45))
    number, letters = crc32(body.encode()), []
    for _ in range(6):
        number, index = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[index])
    return body + "".join(letters)

"""Keys that were never made: of the kind that a release of today makes, and of the older kind."""

import random
from concurrent.futures import ThreadPoolExecutor
from string import ascii_letters, digits
from zlib import crc32

from tests.trial.record import Record
from tests.trial.stage import Stage

ALPHABET = digits + ascii_letters
KEYS, MOST_CALLS = 300, 40
SEAL_LETTERS = 11
SEED = 19


def made_up(stage: Stage, record: Record) -> None:
    """600 keys that look right, half of them of the older kind: they may not cost a database read each."""
    stage.serve(endpoint=stage.proxy.endpoint)
    choose = random.Random(SEED)
    unsealed = [_made_up(choose) for _ in range(2 * KEYS)]
    keys = [*unsealed[KEYS:], *(key + "".join(choose.choices(ALPHABET, k=SEAL_LETTERS)) for key in unsealed[:KEYS])]
    with stage.client("") as client, stage.watched(record), ThreadPoolExecutor(4) as senders:
        before = stage.proxy.calls
        list(
            senders.map(
                lambda key: record.send(client, "GET", "/v1/items/i1", 401, 503, headers={"X-API-Key": key}), keys
            )
        )
        calls = stage.proxy.calls - before
    record.expect(calls <= MOST_CALLS, f"{calls} calls of the database for {len(keys)} made-up keys")
    record.note(f"{calls} calls of the database")


def _made_up(choose: random.Random) -> str:
    """A key as its public description allows: with a checksum that is right."""
    body = "sk_" + "".join(choose.choices(ALPHABET, k=45))
    number, letters = crc32(body.encode()), []
    for _ in range(6):
        number, index = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[index])
    return body + "".join(letters)

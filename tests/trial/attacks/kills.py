"""SIGKILL of the server and of the database under mixed load."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from tests.trial.ledger import Ledger
from tests.trial.record import Record
from tests.trial.stage import Stage

SEED = 19
BETWEEN_SECONDS = (0.1, 0.8)
EVERY_DATABASE = 10
READERS = 2


def under_load(stage: Stage, record: Record) -> None:
    """Kills of the server, each tenth of the database too, while events, items and lists are written and read."""
    stage.serve()
    ledger = Ledger(stage, record, "kills")
    ledger.prepare()
    choose, stop = random.Random(SEED), Event()

    def read() -> None:
        with stage.client("other") as client:
            while not stop.wait(0.02):
                path = f"/v1/users/kills-{choose.randrange(200)}/recommendations"
                record.send(client, "GET", path, 200, 503, may_break=True)

    with ledger.writing(4, may_break=True), ThreadPoolExecutor(READERS) as readers:
        for _ in range(READERS):
            readers.submit(read)
        try:
            for number in range(1, stage.kills + 1):
                time.sleep(choose.uniform(*BETWEEN_SECONDS))
                stage.kill()
                if number % EVERY_DATABASE == 0:
                    stage.kill_database()
                stage.start()
        finally:
            stop.set()
    ledger.recount()
    record.note(f"{stage.kills} kills of the server, {stage.kills // EVERY_DATABASE} of the database")

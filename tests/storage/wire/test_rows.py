from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError

import pytest

from app.storage.wire import rows

THREADS = 2


@pytest.mark.parametrize(
    ("size", "seconds", "are_together"), [(rows.MANY_BYTES, 10.0, True), (rows.MANY_BYTES + 1, 0.2, False)]
)
def test_one_thread_at_a_time_reads_what_is_large(size: int, seconds: float, are_together: bool) -> None:  # noqa: FBT001
    meeting = Barrier(THREADS)

    def meets() -> bool:
        with rows.turn(size):
            try:
                meeting.wait(seconds)
            except BrokenBarrierError:
                return False
        return True

    with ThreadPoolExecutor(THREADS) as threads:
        reads = [threads.submit(meets) for _ in range(THREADS)]

    assert [read.result() for read in reads] == [are_together] * THREADS


def test_a_large_response_is_decoded() -> None:
    text = "x" * rows.MANY_BYTES

    assert rows.decode(f'{{"a": {{"S": "{text}"}}, "b": {{"B": "eA=="}}}}'.encode()) == {
        "a": {"S": text},
        "b": {"B": b"x"},
    }

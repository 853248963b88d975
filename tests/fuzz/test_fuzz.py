"""A short run of `make fuzz`."""

from tests.fuzz.__main__ import fuzz


def test_generated_requests_find_no_fault() -> None:
    status, cases, output = fuzz(2, "--seed=1")

    assert status == 0, output[-8_000:]
    assert cases > 1_000

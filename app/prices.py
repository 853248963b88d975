"""AWS prices: public on-demand prices of us-east-1 in US dollars as of 2026-11-01, without free tiers."""

from collections.abc import Mapping
from typing import Literal

AS_OF = "2026-11-01"
READ_UNIT = 0.125 / 1e6
WRITE_UNIT = 0.625 / 1e6
STORED_GB = 0.25
"""Per month, in a table or an index."""
BACKED_UP_GB = 0.20
"""Per month, for point-in-time recovery of a table; global indexes are not backed up."""
READ_UNIT_INFREQUENT, WRITE_UNIT_INFREQUENT, STORED_GB_INFREQUENT = 0.155 / 1e6, 0.78 / 1e6, 0.10
"""Of a table of the class for infrequent access and of its indexes."""
FILE_WRITE, FILE_READ = 5.00 / 1e6, 0.40 / 1e6
"""Requests to the bucket."""
LAMBDA_REQUEST = 0.20 / 1e6
LAMBDA_GB_SECOND = 0.0000133334
"""On arm64."""
CORE_GB = 1.769
"""Memory for which Lambda gives a function one core; with less memory it takes longer and costs the same."""
HTTP_API_REQUEST = 1.00 / 1e6
Front = Literal["api", "url"]
FRONT_REQUESTS: Mapping[Front, float] = {"api": HTTP_API_REQUEST, "url": 0.0}
"""What a request costs before it reaches the function: through API Gateway, or through the function's own URL."""
SCHEDULER_CALL = 1.00 / 1e6
LOG_GB = 0.50
"""Ingested."""
METRIC = 0.30
"""Per month, for each metric that the application writes (`Metrics`)."""
API_MEMORY_GB = 1.0
"""Memory of the api function in the template."""


def parts(
    *, front: Front, requests: int, read_units: float, write_units: float, milliseconds: float
) -> dict[str, float]:
    """Returns the cost of requests that run for `milliseconds` in total, by what is paid for."""
    return {
        "requests": requests * (LAMBDA_REQUEST + FRONT_REQUESTS[front]),
        "reads": read_units * READ_UNIT,
        "writes": write_units * WRITE_UNIT,
        "compute": milliseconds / 1_000 * API_MEMORY_GB * LAMBDA_GB_SECOND,
    }


def dollars(*, front: Front, requests: int, read_units: float, write_units: float, milliseconds: float) -> float:
    """Returns the sum of these `parts`."""
    amounts = parts(
        front=front, requests=requests, read_units=read_units, write_units=write_units, milliseconds=milliseconds
    )
    return sum(amounts.values())

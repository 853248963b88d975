"""The usage of a project by day."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field


class UsageParts(BaseModel):
    """US dollars by what is paid for."""

    requests: Annotated[float, Field(description="Requests of the HTTP API and Lambda.", examples=[0.014])]
    reads: Annotated[float, Field(description="Read units of DynamoDB.", examples=[0.002])]
    writes: Annotated[float, Field(description="Write units of DynamoDB.", examples=[0.05])]
    compute: Annotated[float, Field(description="Time in Lambda.", examples=[0.004])]


class UsageDay(BaseModel):
    day: Annotated[date, Field(description="The day (UTC).", examples=["2026-11-24"])]
    requests: Annotated[int, Field(description="The number of requests.", examples=[12000])]
    events: Annotated[int, Field(description="The number of events.", examples=[40000])]
    recommendations: Annotated[
        int,
        Field(
            description="The number of lists that were returned: recommendations, rankings, similar, popular and "
            "trending items, and each row of a page. Items are not counted.",
            examples=[9000],
        ),
    ]
    read_units: Annotated[float, Field(description="Consumed read units of DynamoDB.", examples=[18000.0])]
    write_units: Annotated[float, Field(description="Consumed write units of DynamoDB.", examples=[80000.0])]
    estimated_usd: Annotated[float, Field(description="The estimated cost in US dollars.", examples=[0.07])]
    parts: Annotated[UsageParts, Field(description="What the estimated cost consists of.")]


class UsageView(BaseModel):
    days: Annotated[list[UsageDay], Field(description="The usage of each day.")]
    estimated_usd: Annotated[float, Field(description="The estimated cost of all days in US dollars.", examples=[3.6])]
    prices_as_of: Annotated[str, Field(description="The day of the public us-east-1 prices of the estimate.")]

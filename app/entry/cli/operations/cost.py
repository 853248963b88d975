"""`serendip cost`: a forecast of a month's cost, and the project's recorded usage."""

from dataclasses import asdict, replace
from datetime import timedelta
from functools import reduce
from math import isfinite
from typing import Annotated, Any

import typer
from rich.table import Table

from app import prices
from app.domain.access import DailyUsage
from app.entry.cli.operations import cost_model
from app.entry.cli.operations.cost_model import RECORDED, RECORDED_ID_BYTES, STANDARD, TableClass, Traffic
from app.entry.cli.terminal import AsJson, connect_project, console, print_json

Recommendations = Annotated[float, typer.Option(min=0, help="Recommendation requests a month.")]
Events = Annotated[float, typer.Option(min=0, help="Events a month.")]
EventsARequest = Annotated[float, typer.Option(min=1, max=500, help="Events in one request, on average.")]
Items = Annotated[float, typer.Option(min=0, help="Items in the catalog.")]
IdBytes = Annotated[float, typer.Option(min=1, max=128, help="Length of the ids of items and users.")]
HitRate = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Share of the items and rows of a list that an instance has in memory: more traffic raises it, more "
        "instances and items lower it.",
        show_default=f"{RECORDED.hit_rate:.2f}, as recorded",
    ),
]
Trainings = Annotated[float, typer.Option(min=0, help="Trainings a month.")]
Years = Annotated[float, typer.Option(min=0, help="For how long events have been stored at this rate.")]
Front = Annotated[
    prices.Front,
    typer.Option(help="What receives requests in AWS: API Gateway's HTTP API, or the function's URL."),
]
ClassOfEvents = Annotated[
    TableClass,
    typer.Option(
        help="Class of the table of events (EventsTableClass): infrequent-access costs less once the events of "
        "about five months are stored.",
    ),
]
DAYS_PER_MONTH = 30
MILLION = 1e6
SMALL = 10
NOT_INCLUDED = (
    "alarms and the dashboard (an account's first 10 and 3 are free), the application's metrics if they are on "
    f"({prices.METRIC:.2f} each), data transfer out of AWS"
)
USED = (
    "Used in the last {days} days: {requests:,.0f} requests, {events:,.0f} events, {read_units:,.0f} read units, "
    "{write_units:,.0f} write units. A month at this rate: {dollars_a_month:.2f} US dollars, without "
    "stream, ticks and logs."
)


def cost(
    recommendations: Recommendations = 1e6,
    events: Events = 1e6,
    events_a_request: EventsARequest = 1.5,
    items: Items = 20_000,
    id_bytes: IdBytes = RECORDED_ID_BYTES,
    hit_rate: HitRate = None,
    trainings: Trainings = 30,
    years: Years = 1,
    front: Front = "api",
    table_class: ClassOfEvents = STANDARD,
    used_days: Annotated[
        int | None, typer.Option(min=1, max=400, help="Also print what the project used in the last days.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Forecast a month's cost in US dollars, from recorded units and times at public prices."""
    if not all(map(isfinite, (recommendations, events, events_a_request, items, id_bytes, trainings, years))):
        raise typer.BadParameter("All amounts have to be finite numbers.")
    traffic = Traffic(
        recommendations,
        events,
        events_a_request,
        items,
        id_bytes,
        hit_rate,
        trainings,
        years,
        front,
        table_class,
    )
    report = _forecast(traffic)
    if used_days is not None:
        report["used"] = _used(used_days)
    if as_json:
        print_json(report)
        return
    table = Table("", "Per month", "Unit", "US dollars")
    for term in report["terms"]:
        amount = f"{term['amount']:,.0f}" if term["amount"] >= SMALL else f"{term['amount']:.2g}"
        table.add_row(term["name"], amount, term["unit"], f"{term['dollars']:.2f}")
    table.add_row("Total", "", "", f"{report['dollars']:.2f}")
    console.print(table)
    console.print(
        "A million recommendations: {dollars_per_million_recommendations:.2f}. A million events: "
        "{dollars_per_million_events:.2f}. Without traffic, storage only: {dollars_idle:.2f}.".format(**report),
        f"Prices of us-east-1 as of {prices.AS_OF}, without free tiers. Units and times recorded on {RECORDED.on}.",
        f"Not included: {NOT_INCLUDED}.",
        sep="\n",
        highlight=False,
    )
    if used_days is not None:
        console.print(USED.format(days=used_days, **report["used"]), highlight=False)


def _forecast(traffic: Traffic) -> dict[str, Any]:
    def dollars(**changes: Any) -> float:  # noqa: ANN401 - fields of the traffic
        return sum(term.dollars for term in cost_model.terms(replace(traffic, **changes), RECORDED))

    terms = cost_model.terms(traffic, RECORDED)
    return {
        "traffic": asdict(traffic),
        "terms": [asdict(term) for term in terms],
        "dollars": dollars(),
        "dollars_per_million_recommendations": dollars(recommendations=MILLION, events=0.0, trainings=0.0),
        "dollars_per_million_events": dollars(recommendations=0.0, events=MILLION, trainings=0.0, years=0.0),
        "dollars_idle": sum(term.dollars for term in terms if term.name == cost_model.STORAGE),
        "prices_as_of": prices.AS_OF,
        "recorded_on": RECORDED.on,
    }


def _used(days: int) -> dict[str, float]:
    """What the project's requests used, and what a month at this rate would cost."""
    from app.services import usage

    with connect_project() as (services, project):
        today = services.clock.now().date()
        daily = services.usage.days(project, today - timedelta(days=days - 1), today)
        front = services.settings.front
    total = reduce(usage.summed, daily, DailyUsage(today))
    numbers = {name: getattr(total, name) for name in usage.NUMBERS}
    return {**numbers, "dollars_a_month": usage.dollars(total, front) / days * DAYS_PER_MONTH}

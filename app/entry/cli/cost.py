"""`serendip cost`: a forecast of a month, and beside it what was used."""

from dataclasses import asdict
from datetime import timedelta
from functools import reduce
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from app import prices
from app.domain.usage import DailyUsage
from app.entry.cli import cost_model
from app.entry.cli.cost_model import RECORDED, MonthlyTraffic
from app.entry.cli.terminal import console, services
from app.services import usage

Many = Annotated[float, typer.Option(min=0)]
DAYS_A_MONTH = 30
MILLION = 1e6
SMALL = 10
NOT_IN_IT = (
    "alarms and the dashboard (an account's first 10 and 3 cost nothing), metrics of the application where they are on "
    f"({prices.METRIC:.2f} each), trainings, data that leaves AWS"
)
USED = (
    "Used in the last {days} days: {requests:,.0f} requests, {events:,.0f} events, {read_units:,.0f} read units, "
    "{write_units:,.0f} write units. A month of such requests: {dollars_a_month:.2f}, without stream, ticks and logs."
)


def cost(
    recommendations: Many = 1e6,
    events: Many = 1e6,
    events_a_request: Annotated[float, typer.Option(min=1, max=500, help="How many are sent at once.")] = 10,
    stored_events: Annotated[float, typer.Option(min=0, help="Of the months before.")] = 0,
    used_days: Annotated[
        int | None, typer.Option(min=1, max=400, help="Also what the project used in so many days.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """US dollars of a month with so much traffic, term by term; recorded units and times at public prices."""
    traffic = MonthlyTraffic(recommendations, events, events_a_request, stored_events)
    report = _forecast(traffic)
    if used_days is not None:
        report["used"] = _used(used_days)
    if as_json:
        console.print_json(orjson.dumps(report).decode())
        return
    table = Table("", "A month", "", "US dollars")
    for term in report["terms"]:
        amount = f"{term['amount']:,.0f}" if term["amount"] >= SMALL else f"{term['amount']:.2g}"
        table.add_row(term["name"], amount, term["unit"], f"{term['dollars']:.2f}")
    table.add_row("In all", "", "", f"{report['dollars']:.2f}")
    console.print(table)
    console.print(
        "A million recommendations: {dollars_per_million_recommendations:.2f}; a million events: "
        "{dollars_per_million_events:.2f}; without traffic, storage only: {dollars_idle:.2f}.".format(**report),
        f"Prices of us-east-1 as of {prices.AS_OF}, without free tiers; units and times recorded on {RECORDED.on}.",
        f"Not in it: {NOT_IN_IT}.",
        sep="\n",
        highlight=False,
    )
    if used_days is not None:
        console.print(USED.format(days=used_days, **report["used"]), highlight=False)


def _forecast(traffic: MonthlyTraffic) -> dict[str, Any]:
    def dollars(one: MonthlyTraffic) -> float:
        return sum(term.dollars for term in cost_model.terms(one, RECORDED))

    terms = cost_model.terms(traffic, RECORDED)
    return {
        "traffic": asdict(traffic),
        "terms": [asdict(term) for term in terms],
        "dollars": dollars(traffic),
        "dollars_per_million_recommendations": dollars(MonthlyTraffic(MILLION, 0.0)),
        "dollars_per_million_events": dollars(MonthlyTraffic(0.0, MILLION, traffic.events_a_request)),
        "dollars_idle": dollars(MonthlyTraffic(0.0, 0.0, stored_events=traffic.stored_events + traffic.events)),
        "prices_as_of": prices.AS_OF,
        "recorded_on": RECORDED.on,
    }


def _used(days: int) -> dict[str, float]:
    """What the project's requests used, and what they would cost in a month that goes on like that."""
    with services() as wired:
        settings, today = wired.services.settings, wired.services.clock().date()
        used = wired.services.usage.days(settings.project, today - timedelta(days=days - 1), today)
    total = reduce(usage.summed, used, DailyUsage(today))
    numbers = {name: getattr(total, name) for name in usage.NUMBERS}
    return {**numbers, "dollars_a_month": usage.dollars(total) / days * DAYS_A_MONTH}

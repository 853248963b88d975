"""`serendip cost`: the forecast of a month's cost."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from app import prices
from app.config import Settings
from app.entry.cli.main import cli
from app.entry.cli.operations import cost_model
from app.entry.cli.operations.cost_model import RECORDED, Invocation, MonthlyTraffic, RecordedUnits
from app.wiring import Wired
from tests.support.builders import client_of
from tests.support.server_process import environment

LITTLE = Invocation(read_units=2.0, write_units=1.0, milliseconds=10.0, core_milliseconds=6.0, log_bytes=100.0)
SIMPLE = RecordedUnits("2026-01-01", LITTLE, LITTLE, LITTLE, LITTLE, events_a_request=10, bytes_an_event=500.0)


def dollars(traffic: MonthlyTraffic, recorded: RecordedUnits = RECORDED) -> float:
    return sum(term.dollars for term in cost_model.terms(traffic, recorded))


class TestTerms:
    def test_each_term_is_its_amount_times_its_price(self) -> None:
        terms = {term.name: term for term in cost_model.terms(MonthlyTraffic(1e6, 1e6, 10), SIMPLE)}
        invocations = 1e6 + 1e5 + 1e5 + 8_640

        assert terms["HTTP API"].dollars == pytest.approx(1.1)
        assert terms["Lambda, invocations"].amount == invocations
        assert terms["Lambda, time"].dollars == pytest.approx(
            invocations * (0.006 * 1.769 + 0.004) * prices.LAMBDA_GB_SECOND
        )
        assert terms["DynamoDB, reads"].amount == 2 * invocations
        assert terms["DynamoDB, writes"].dollars == pytest.approx(invocations * 0.625 / 1e6)
        assert terms["Storage of events, with backups"].amount == pytest.approx(0.25)

    def test_smaller_batches_of_events_need_more_requests_and_as_many_writes(self) -> None:
        many, few = (cost_model.terms(MonthlyTraffic(0, 1e6, size), SIMPLE) for size in (10, 1))
        many_by_name, few_by_name = ({term.name: term.amount for term in terms} for terms in (many, few))

        assert few_by_name["HTTP API"] == 10 * many_by_name["HTTP API"]
        assert few_by_name["DynamoDB, writes"] == pytest.approx(many_by_name["DynamoDB, writes"])

    def test_a_million_recommendations_and_events_a_month_cost_at_most_four_dollars(self) -> None:
        assert dollars(MonthlyTraffic()) <= 4.0

    def test_an_idle_deployment_costs_only_its_storage(self) -> None:
        idle = cost_model.terms(MonthlyTraffic(0, 0, stored_events=1e6), RECORDED)

        assert {term.name for term in idle if term.dollars} == {"Storage of events, with backups"}

    def test_more_recorded_units_raise_the_cost(self) -> None:
        thirsty = replace(RECORDED, recommendations=replace(RECORDED.recommendations, read_units=1_000.0))

        assert dollars(MonthlyTraffic(), thirsty) - dollars(MonthlyTraffic()) > 100


class TestCommand:
    def test_cost_prints_the_terms_and_their_sum(self) -> None:
        result = CliRunner().invoke(cli, ["cost", "--recommendations", "5e6", "--json"])
        shown = CliRunner().invoke(cli, ["cost"]).stdout

        report = json.loads(result.stdout)
        assert report["dollars"] == pytest.approx(sum(term["dollars"] for term in report["terms"]))
        assert report["dollars"] == pytest.approx(dollars(MonthlyTraffic(recommendations=5e6)))
        assert f"{dollars(MonthlyTraffic()):.2f}" in shown
        assert prices.AS_OF in shown

    def test_cost_reports_what_a_project_used(
        self, wired: Wired, key: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with client_of(wired, key) as client:
            client.get("/v1/items")
        wired.services.usage.write()
        for name, value in environment(settings, settings.project).items():
            monkeypatch.setenv(name, value)

        result = CliRunner().invoke(cli, ["cost", "--used-days", "3", "--json"])

        used = json.loads(result.stdout)["used"]
        assert used["requests"] == 1
        assert used["dollars_a_month"] == pytest.approx(
            10
            * prices.dollars(
                requests=1,
                read_units=used["read_units"],
                write_units=used["write_units"],
                milliseconds=used["milliseconds"],
            )
        )

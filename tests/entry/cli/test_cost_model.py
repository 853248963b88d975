"""`serendip cost`: the forecast of a month's cost."""

import json
from dataclasses import astuple, replace

import pytest
from typer.testing import CliRunner

from app import prices
from app.config import Settings
from app.entry.cli.main import cli
from app.entry.cli.operations import cost_model
from app.entry.cli.operations.cost_model import (
    RECORDED,
    Invocation,
    RecordedUnits,
    Traffic,
    Training,
    WithEvents,
)
from app.wiring import Wired
from tests.support.builders import client_of
from tests.support.server_process import environment

LITTLE = Invocation(read_units=2.0, write_units=1.0, milliseconds=10.0, core_milliseconds=6.0, log_bytes=100.0)
NOTHING = Invocation()
SIMPLE = RecordedUnits(
    on="2026-01-01",
    recommendations=LITTLE,
    items_an_answer=20.0,
    rows_an_answer=10.0,
    hit_rate=0.9,
    events=WithEvents(NOTHING, LITTLE),
    stream=WithEvents(LITTLE, NOTHING),
    stream_of_few_items=WithEvents(LITTLE, NOTHING),
    tick=LITTLE,
    training=Training(
        reads_an_event=0.01,
        reads_an_item=0.1,
        writes_an_item=3.0,
        core_seconds_an_event=1e-6,
        core_seconds_a_packed_event=1e-7,
        core_seconds_an_item=1e-3,
    ),
    bytes_an_event=300.0,
    bytes_an_index_entry=200.0,
)
TEN = Traffic(events_a_request=10, years=0)


def dollars(traffic: Traffic, recorded: RecordedUnits = RECORDED) -> float:
    return sum(term.dollars for term in cost_model.terms(traffic, recorded))


def by_name(traffic: Traffic, recorded: RecordedUnits = SIMPLE) -> dict[str, cost_model.Term]:
    return {term.name: term for term in cost_model.terms(traffic, recorded)}


class TestTerms:
    def test_each_term_is_its_amount_times_its_price(self) -> None:
        terms = by_name(TEN)
        batches = 1e5 / (1 + 1e5 / 2_592_000)

        assert terms["HTTP API"].dollars == pytest.approx(1.1)
        assert terms["Lambda, invocations"].amount == pytest.approx(1e6 + 1e5 + batches + 8_640)
        assert terms["Lambda, time"].dollars == pytest.approx(
            (1e6 + 1e6 + batches + 8_640) * (0.006 * 1.769 + 0.004) * prices.LAMBDA_GB_SECOND
        )
        assert terms["Writes of events"].dollars == pytest.approx(1e6 * 0.625 / 1e6)
        assert terms["Writes of counters, lists and usage"].amount == pytest.approx(batches + 1e6)
        assert terms[cost_model.STORAGE].amount == pytest.approx(0.25)
        assert terms[cost_model.STORAGE].dollars == pytest.approx(0.25 * 0.25 + 0.15 * 0.20), "no backups of the index"

    def test_what_is_not_in_memory_is_read(self) -> None:
        warm, cold = (by_name(replace(TEN, hit_rate=rate)) for rate in (1.0, 0.0))

        assert warm["Reads of what is not in memory"].amount == 0
        assert cold["Reads of what is not in memory"].amount == 1e6 * (20 + 10) * 0.5
        assert by_name(TEN)["Reads of what is not in memory"].amount == pytest.approx(0.1 * 1e6 * 30 * 0.5)

    def test_longer_ids_make_larger_rows_and_events(self) -> None:
        short, long = (by_name(replace(TEN, id_bytes=size)) for size in (8, 128))

        for name in ("Trainings, writes", "Reads of what is not in memory", cost_model.STORAGE):
            assert long[name].amount > short[name].amount
        assert by_name(TEN)["Trainings, writes"].amount == 30 * 20_000 * 3

    def test_trainings_read_events_and_write_a_row_for_each_item(self) -> None:
        none, daily = (by_name(replace(TEN, trainings=number)) for number in (0, 30))

        assert none["Trainings, reads of events"].amount == none["Trainings, time"].amount == 0
        assert daily["Trainings, reads of events"].amount == pytest.approx(30 * 0.5e6 * 0.01)
        assert daily["Trainings, reads of items"].amount == pytest.approx(30 * 2_000)
        assert daily["Trainings, time"].amount == pytest.approx(30 * (0.5 + 20) * prices.CORE_GB)

    def test_trainings_read_past_months_from_files_which_are_written_every_six_days(self) -> None:
        few, daily = (by_name(replace(TEN, years=1, trainings=number)) for number in (2, 30))
        recent = 17 / 30 * 1e6
        past = 12.5e6 - recent

        assert few["Trainings, reads of events"].amount == pytest.approx(2 * 12.5e6 * 0.01)
        assert daily["Trainings, reads of events"].amount == pytest.approx((30 * recent + 5 * past) * 0.01)
        seconds = (30 * recent + 5 * past) * 1e-6 + 25 * past * 1e-7 + 30 * 20
        assert daily["Trainings, time"].amount == pytest.approx(seconds * prices.CORE_GB)
        files = 16 * past / 1e6
        assert daily["Trainings, files of events"].dollars == pytest.approx(files * (5 * 5e-6 + 25 * 4e-7))

    def test_trainings_of_small_shops_write_no_files(self) -> None:
        terms = by_name(replace(TEN, years=1, events=10_000))

        assert terms["Trainings, files of events"].amount == 0
        assert terms["Trainings, reads of events"].amount == pytest.approx(30 * 125_000 * 0.01)

    def test_infrequent_access_pays_once_many_events_are_stored(self) -> None:
        def saved(years: float) -> float:
            traffic = Traffic(years=years)
            return dollars(traffic) - dollars(replace(traffic, table_class="infrequent-access"))

        assert saved(0.25) < 0 < saved(0.6)
        terms, others = (by_name(replace(TEN, table_class=name)) for name in ("standard", "infrequent-access"))
        assert others["Writes of events"].dollars == pytest.approx(0.78 / 0.625 * terms["Writes of events"].dollars)
        assert others["Reads of histories"].dollars == pytest.approx(1e6 * 2 * 0.155 / 1e6)
        assert others["Writes of counters, lists and usage"] == terms["Writes of counters, lists and usage"]

    def test_smaller_requests_of_events_cost_more_requests_and_batches_but_as_many_writes_of_events(self) -> None:
        many, few = by_name(TEN), by_name(replace(TEN, events_a_request=1))

        assert few["HTTP API"].amount - 1e6 == 10 * (many["HTTP API"].amount - 1e6)
        assert few["Writes of events"].amount == pytest.approx(many["Writes of events"].amount)
        assert few["Lambda, invocations"].amount > 2 * many["Lambda, invocations"].amount - 1e6

    def test_counters_and_lists_of_more_items_are_larger(self) -> None:
        small = replace(SIMPLE, stream_of_few_items=WithEvents(NOTHING, NOTHING))
        few, some, many = (by_name(replace(TEN, items=items), small) for items in (100, 1_414, 20_000))
        counters = "Writes of counters, lists and usage"

        assert few[counters].amount == pytest.approx(1e6)
        assert some[counters].amount - 1e6 == pytest.approx((many[counters].amount - 1e6) / 2, rel=0.01)

    def test_batches_of_the_stream_hold_more_requests_at_higher_rates(self) -> None:
        single, hundred = by_name(TEN), by_name(replace(TEN, events=1e8))

        counters = "Writes of counters, lists and usage"
        assert hundred[counters].amount - 1e6 < 50 * (single[counters].amount - 1e6)

    def test_a_function_url_is_free_and_logs_no_access(self) -> None:
        gateway, url = by_name(TEN), by_name(replace(TEN, front="url"))
        requests = gateway["HTTP API"].amount

        assert (url["Function URL"].amount, url["Function URL"].dollars) == (requests, 0)
        logged = requests * cost_model.ACCESS_LOG_BYTES / cost_model.GB
        assert gateway["Logs"].amount - url["Logs"].amount == pytest.approx(logged)
        others = set(url) - {"Function URL", "Logs"}
        assert others == set(gateway) - {"HTTP API", "Logs"}
        assert {name for name in others if url[name] != gateway[name]} == set()

    def test_an_idle_deployment_costs_only_its_storage(self) -> None:
        idle = cost_model.terms(Traffic(0, 0, trainings=0), RECORDED)

        assert not any(term.dollars for term in idle)

    def test_more_recorded_units_raise_the_cost(self) -> None:
        thirsty = replace(RECORDED, recommendations=replace(RECORDED.recommendations, read_units=1_000.0))

        assert dollars(Traffic(), thirsty) - dollars(Traffic()) > 100


class TestWithEvents:
    def test_it_goes_through_both_recordings(self) -> None:
        few, many = Invocation(1.0, 2.0, 3.0, 2.0, 50.0), Invocation(4.0, 20.0, 5.0, 4.0, 50.0)

        line = WithEvents.through(few, 1.0, many, 10.0)

        assert astuple(line.of(1.0)) == pytest.approx(astuple(few))
        assert astuple(line.of(10.0)) == pytest.approx(astuple(many))
        assert line.of(4.0).write_units == pytest.approx(8.0)


class TestCommand:
    def test_cost_prints_the_terms_and_their_sum(self) -> None:
        result = CliRunner().invoke(cli, ["cost", "--recommendations", "5e6", "--json"])
        shown = CliRunner().invoke(cli, ["cost"]).stdout

        report = json.loads(result.stdout)
        assert report["dollars"] == pytest.approx(sum(term["dollars"] for term in report["terms"]))
        assert report["dollars"] == pytest.approx(dollars(Traffic(recommendations=5e6)))
        assert f"{dollars(Traffic()):.2f}" in shown
        assert prices.AS_OF in shown

    def test_cost_compares_the_fronts(self) -> None:
        api, url = (
            json.loads(CliRunner().invoke(cli, ["cost", "--front", front, "--json"]).stdout)["dollars"]
            for front in ("api", "url")
        )

        assert api == pytest.approx(dollars(Traffic()))
        assert url == pytest.approx(dollars(Traffic(front="url")))
        assert CliRunner().invoke(cli, ["cost", "--front", "cdn"]).exit_code == 2

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
                front="api",
                requests=1,
                read_units=used["read_units"],
                write_units=used["write_units"],
                milliseconds=used["milliseconds"],
            )
        )

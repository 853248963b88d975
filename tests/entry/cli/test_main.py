"""The command line over one database, mostly in this process, because starting one takes a second."""

import os
import signal
import socket
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from random import Random

import httpx2
import orjson
import pytest

from app.config import Settings
from app.domain.items import Item
from app.domain.jobs import ErasureRequest
from app.domain.users import User, of_session
from app.entry.cli.serve import load_sample
from app.entry.local import sample_shop
from app.entry.local.dynamodb import free_port
from app.storage.admin.schema import TableCheck
from app.wiring import Wired
from tests.support import datasets
from tests.support.builders import NOON, an_event, an_item, client_of, idle_on, two_tastes, wired_on
from tests.support.command_line import command, environment
from tests.support.stream_records import a_record

TIMEOUT = 300


class Cli:
    def __init__(self, settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.environment = environment(settings, settings.project)

    def run(self, *arguments: object, fails: bool = False) -> str:
        ended = command(self._capsys, self.folder, self.environment, *arguments)
        assert bool(ended.code) is fails, ended
        return ended.out + (ended.err if fails else "")

    def run_apart(self, *arguments: object, fails: bool = False) -> str:
        """Runs the command in a process of its own, as users do."""
        ended = subprocess.run(
            [sys.executable, "-m", "app.entry.cli.main", *map(str, arguments)],
            env={**os.environ, **self.environment, "PYTHONPATH": str(datasets.ROOT)},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
        assert bool(ended.returncode) is fails, ended
        assert "Traceback" not in ended.stderr
        return ended.stdout + (ended.stderr if fails else "")


@pytest.fixture
def cli(wired: Wired, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    assert TableCheck(wired.database).missing() == []
    return Cli(settings, tmp_path, capsys)


def events_file(folder: Path) -> Path:
    path = folder / "events.csv"
    lines = [f"{event.user_id},{event.item_id},{event.timestamp.isoformat()}" for event in two_tastes()]
    path.write_text("user_id,item_id,timestamp\n" + "\n".join([*lines, "b/d,tea,", "short"]) + "\n")
    return path


class TestImport:
    def test_importing_a_file_twice_adds_its_events_once_and_writes_bad_rows_to_a_file(
        self, cli: Cli, wired: Wired, settings: Settings
    ) -> None:
        path = events_file(cli.folder)

        first = cli.run_apart("import", path)
        before = sorted(str(event) for event in wired.services.events.all(settings.project))
        cli.run("import", path)

        assert "160 events loaded, 2 rejected" in first
        rejects = [orjson.loads(line) for line in (cli.folder / "events.csv.rejects.jsonl").read_bytes().splitlines()]
        assert [reject["line"] for reject in rejects] == [162, 163]
        assert sorted(str(event) for event in wired.services.events.all(settings.project)) == before
        assert len(before) == 160

    def test_erased_users_stay_erased(self, cli: Cli, wired: Wired, settings: Settings) -> None:
        wired.services.erasure.erase_user(settings.project, "u3")

        cli.run("import", events_file(cli.folder))

        users = {event.user_id for event in wired.services.events.all(settings.project)}
        assert len(users) == 39
        assert "u3" not in users

    def test_a_file_with_unknown_columns_is_refused_with_advice(self, cli: Cli) -> None:
        path = cli.folder / "events.csv"
        path.write_text("name,age\nann,3\n")

        assert "--map" in cli.run_apart("import", path, fails=True)


class TestJourney:
    def test_import_train_recommend_list_activate_export(self, cli: Cli) -> None:
        cli.run("migrate")
        cli.run("import", events_file(cli.folder))
        assert "NDCG@20" in cli.run("train")

        recommended = orjson.loads(cli.run("recommend", "u2", "--limit", 3, "--json"))
        assert len(recommended) == 3
        assert recommended[0]["reasons"]
        assert "active" in cli.run("models", "list")
        assert "no such model version" in cli.run("models", "activate", "v0", fails=True)
        cli.run("models", "collect")

        exported = cli.folder / "out.jsonl"
        assert "160 events" in cli.run("export", "events", exported)
        assert "160 events loaded, 0 rejected" in cli.run("import", exported)

    def test_exported_events_of_sessions_can_be_imported(self, cli: Cli, wired: Wired) -> None:
        project = cli.environment["SERENDIP_PROJECT"]
        wired.services.events.accept(project, [an_event(of_session("s1"), "tea")])
        exported = cli.folder / "out.jsonl"
        cli.run("export", "events", exported)

        assert "1 event loaded, 0 rejected" in cli.run("import", exported)

        events = wired.services.events.list_page(project, of_session("s1"), None, 10).records
        assert [event.item_id for event in events] == ["tea"]

    def test_training_without_events_is_refused_with_advice(self, cli: Cli) -> None:
        assert "Send more events" in cli.run("train", fails=True)


class TestStream:
    def test_failures_are_listed_and_retried(self, cli: Cli, wired: Wired) -> None:
        project = cli.environment["SERENDIP_PROJECT"]
        assert "none" in cli.run("stream", "failures")
        wired.services.failures.put(a_record(project, an_event("ann", "tea"), name="lost-1"), "KeyError: 'item_id'")

        assert "lost-1" in cli.run("stream", "failures")
        assert orjson.loads(cli.run("stream", "failures", "--json"))[0]["reason"] == "KeyError: 'item_id'"
        assert "1 of 1 applied" in cli.run("stream", "retry")

        assert "none" in cli.run("stream", "failures")


class TestAccess:
    def test_the_first_administrator_creates_a_project_and_rotates_and_revokes_its_keys(
        self, cli: Cli, wired: Wired
    ) -> None:
        project = f"{cli.environment['SERENDIP_PROJECT']}-cli"
        printed = cli.run("keys", "create", "root", "--scope", "admin", "--administration")
        administrator = client_of(wired, printed.split()[-1])
        assert administrator.get("/v1/projects").status_code == 200

        key = cli.run("projects", "create", project).split()[-1]
        assert client_of(wired, key).put("/v1/items/tea", json={}).status_code == 200
        assert project in cli.run("projects", "list")
        rotated = cli.run("keys", "rotate", key[3:15], "--project", project, "--overlap-hours", 0).split()[-1]
        assert key[3:15] in cli.run("keys", "list", "--project", project)
        cli.run("keys", "revoke", rotated[3:15], "--project", project)

        elsewhere = wired_on(wired.services.settings)
        assert [client_of(elsewhere, text).get("/v1/items").status_code for text in (key, rotated)] == [401, 401]
        elsewhere.close()
        assert "key does not exist" in cli.run("keys", "revoke", "0" * 12, fails=True)
        assert "SERENDIP" not in cli.run("projects", "create", project, fails=True)

    def test_deleting_a_project_completes_before_the_command_returns(self, cli: Cli, wired: Wired) -> None:
        project = f"{cli.environment['SERENDIP_PROJECT']}-gone"
        cli.environment |= {"SERENDIP_KEY_TTL_SECONDS": "0", "SERENDIP_REQUEST_DEADLINE_SECONDS": "1"}
        cli.run("projects", "create", project)

        assert "Project nope does not exist." in cli.run("projects", "delete", "nope", fails=True)
        assert "is deleted; receipt" in cli.run("projects", "delete", project, "--yes")
        assert wired.services.projects.get(project).state == "deleted"


class TestUndo:
    def test_an_import_is_taken_back_by_the_id_that_it_printed(
        self, cli: Cli, wired: Wired, settings: Settings
    ) -> None:
        path = cli.folder / "events.csv"
        path.write_text("user_id,item_id,timestamp\n" + "".join(f"u{n},tea,2026-01-0{n}\n" for n in range(1, 6)))
        wired.services.events.accept(settings.project, [an_event()])

        import_id = cli.run("import", path).split("--undo ")[1].split()[0]
        undone = cli.run("import", "--undo", import_id)

        assert "5 events" in undone
        assert len(list(wired.services.events.all(settings.project))) == 1
        assert f"carries the import id {import_id}" in cli.run("import", "--undo", import_id, fails=True)
        assert "with --undo" in cli.run("import", fails=True)


class TestEvents:
    def test_events_are_counted_then_deleted(self, cli: Cli, wired: Wired, settings: Settings) -> None:
        wired.services.events.accept(settings.project, [an_event(minutes=n) for n in range(5)])
        conditions = ("--item", "tea", "--to", "2026-01-31T12:03:00")

        counted = cli.run("events", "delete", *conditions, "--dry-run")
        before = len(list(wired.services.events.all(settings.project)))
        assert "succeeded: 3 read, 3 deleted." in cli.run("events", "delete", *conditions, "--yes")

        assert ("3 of 3 events" in counted, before) == (True, 5)
        assert len(list(wired.services.events.all(settings.project))) == 2
        assert "at least one condition" in cli.run("events", "delete", "--yes", fails=True)
        assert "not a time" in cli.run("events", "delete", "--from", "yesterday", fails=True)


class TestJobs:
    def test_a_queued_job_is_run_by_the_command_line_and_listed(self, cli: Cli, settings: Settings) -> None:
        job = idle_on(settings).services.jobs.create(settings.project, ErasureRequest("ann"))

        assert cli.run("jobs", "work", job.job_id).splitlines()[-1] == f"{job.job_id}: succeeded."
        assert "has ended" in cli.run("jobs", "work", job.job_id)
        (listed,) = orjson.loads(cli.run("jobs", "list", "--json"))
        assert (listed["job_id"], listed["state"]) == (job.job_id, "succeeded")

    def test_backups_of_a_local_database_are_refused_with_advice(self, cli: Cli) -> None:
        assert "copy .serendip/databases" in cli.run("backup", fails=True)


class TestEvaluate:
    def test_evaluation_reports_quality_with_popularity_as_baseline(self, cli: Cli) -> None:
        path = events_file(cli.folder)

        for holdout in ("random", "time", "last"):
            report = orjson.loads(cli.run("evaluate", path, "--holdout", holdout, "--json", "--k", 5))
            assert {"recall", "ndcg", "hit_rate", "mrr", "coverage"} <= set(report["metrics"])
            assert report["metrics"]["ndcg"] > report["popularity"]["ndcg"], holdout
            assert report["parameters"]["ridge"] > 0
            assert sum(report["files"][0]["reasons"].values()) == 2

    def test_it_says_what_an_import_says_about_the_file(self, cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
        path = cli.folder / "events.csv"
        rows = "".join(f"{event.user_id},{event.item_id},red\n" for event in two_tastes())
        path.write_text(f"user_id,item_id,colour\n{rows}b/d,tea,\n")
        *said, _ = cli.run("import", path, "--dry-run").splitlines()

        ended = command(capsys, cli.folder, cli.environment, "evaluate", path, "--json")

        for part in ("161 rows read", "Ignored columns: colour", "no timestamp", "no event_type"):
            assert any(part in line for line in said)
        assert [line for line in ended.err.splitlines() if line in said] == said
        assert orjson.loads(ended.out)["files"][0]["rejected"] == 1

    def test_a_markdown_table_compares_configurations_with_the_first(self, cli: Cli) -> None:
        path = cli.folder / "good.csv"
        path.write_text("\n".join(events_file(cli.folder).read_text().splitlines()[:-2]))
        arguments = ["evaluate", path, "--config", "chosen", "--config", "local,neighbors=2,half_life_days=none"]

        report = orjson.loads(cli.run(*arguments, "--format", "json"))
        text = cli.run(*arguments, "--format", "markdown")

        chosen, local, popularity = report["comparison"]
        assert (local["parameters"]["solver"], local["parameters"]["neighbors"]) == ("local", 2)
        assert popularity["difference"]["ndcg"]["interval"][1] < 0
        assert chosen["intervals"]["ndcg"][0] < chosen["metrics"]["ndcg"] < chosen["intervals"]["ndcg"][1]
        assert {"new users", "other users", "head items", "tail items"} == set(chosen["segments"])
        assert chosen["metrics"]["novelty"] > popularity["metrics"]["novelty"]
        heading, rule, *body = [line for line in text.splitlines() if line.startswith("|")]
        assert heading == "|  | chosen | local,neighbors=2,half_life_days=none | popularity |"
        assert rule == "| --- | ---: | ---: | ---: |"
        assert any(line.startswith(f"| ndcg | {chosen['metrics']['ndcg']:.4f} (") for line in body)
        assert "is not one of chosen" in cli.run("evaluate", path, "--config", "bigger", fails=True)

    def test_peers_are_compared_in_one_table_with_their_time_and_memory(self, cli: Cli) -> None:
        path = events_file(cli.folder)

        text = cli.run("evaluate", path, "--against", "popular-7-days", "--holdout", "time", "--format", "markdown")

        heading, _, chosen, peer, popular = [line.split("|") for line in text.splitlines() if line.startswith("|")]
        assert [cell.strip() for cell in heading[2:-1]] == [
            "ndcg@20",
            "recall@20",
            "coverage",
            "ndcg, difference",
            "seconds",
            "peak MB",
        ]
        assert [row[1].strip() for row in (chosen, peer, popular)] == ["chosen", "popular-7-days", "popularity"]
        assert float(peer[2].split()[0]) < float(chosen[2].split()[0])
        assert min(int(row[7]) for row in (chosen, peer)) > 10
        assert "is not a peer" in cli.run("evaluate", path, "--against", "lightgcn", fails=True)

    def test_a_test_file_replaces_the_holdout(self, cli: Cli) -> None:
        lines = events_file(cli.folder).read_text().splitlines()[:-2]
        train, test = cli.folder / "train.csv", cli.folder / "test.csv"
        train.write_text("\n".join(line for n, line in enumerate(lines) if n == 0 or n % 4))
        test.write_text("\n".join(line for n, line in enumerate(lines) if n % 4 == 0))

        report = orjson.loads(cli.run("evaluate", train, "--test", test, "--json"))

        assert report["interactions"]["train"] + report["interactions"]["test"] == 160


@pytest.mark.skipif(not datasets.MOVIETWEETINGS.exists(), reason=f"there is no {datasets.MOVIETWEETINGS}")
class TestMovieTweetings:
    def test_a_movielens_folder_is_imported_and_gives_recommendations_with_titles(
        self, cli: Cli, wired: Wired, settings: Settings
    ) -> None:
        """Imports only some of the ratings and their films to keep the suite short; `make run DATA=...` imports all."""
        folder = cli.folder / "films"
        folder.mkdir()
        ratings = (datasets.MOVIETWEETINGS / "ratings.dat").read_bytes().splitlines(keepends=True)[:4_000]
        rated = {rating.split(b"::")[1] for rating in ratings}
        films = (datasets.MOVIETWEETINGS / "movies.dat").read_bytes().splitlines(keepends=True)
        (folder / "movies.dat").write_bytes(b"".join(film for film in films if film.split(b"::")[0] in rated))
        (folder / "ratings.dat").write_bytes(b"".join(ratings))

        cli.run("import", folder)
        cli.run("train")
        ten = orjson.loads(cli.run("recommend", "1", "--json"))

        seen = {event.item_id for event in wired.services.events.all(settings.project) if event.user_id == "1"}
        assert len(ten) == 10
        assert all(film["title"] for film in ten)
        assert not seen & {film["item_id"] for film in ten}


class TestServe:
    def test_a_port_in_use_is_reported_before_any_other_output(self, cli: Cli) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()

            output = cli.run("serve", "--port", other.getsockname()[1], fails=True)

        assert "is taken" in output
        assert "synthetic" not in output

    def test_a_ready_server_answers_at_once_and_ctrl_c_stops_it_cleanly(self) -> None:
        port = free_port()
        code = f"""
from fastapi import FastAPI
from app.entry.local import server
server.listen(FastAPI(), {port}, lambda: print("ready", flush=True))
"""
        with subprocess.Popen(
            [sys.executable, "-c", code], cwd=datasets.ROOT, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            response = httpx2.get(f"http://127.0.0.1:{port}/openapi.json")
            server.send_signal(signal.SIGINT)

            assert server.wait(TIMEOUT) == 0
        assert response.status_code == 200


def _go_together(pair: tuple[str, ...], goods: dict[str, Item]) -> bool:
    return any(first in goods and goods[first].item_id == second for first, second in permutations(pair))


class TestSample:
    def test_the_sample_shop_is_deterministic_and_loaded_once(
        self, wired: Wired, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.entry.local.sample_shop.USERS", 20)

        load_sample(wired.services, settings.project, tmp_path)
        first = {event.event_id for event in wired.services.events.all(settings.project)}
        load_sample(wired.services, settings.project, tmp_path)

        items = wired.services.items.list_page(settings.project, None, None, 100).records
        assert len(items) == 100
        assert all(item.title and item.categories and item.properties["price"] > 0 for item in items)
        assert {event.event_id for event in wired.services.events.all(settings.project)} == first

    def test_it_has_no_events_that_are_too_old_to_be_kept(
        self, settings: Settings, wired: Wired, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.entry.local.sample_shop.USERS", 20)
        assert wired.services.settings.event_days is None
        kept = wired_on(settings.model_copy(update={"event_days": 40}))

        load_sample(kept.services, settings.project, tmp_path)

        events = list(wired.services.events.all(settings.project))
        kept.close()
        assert events
        assert min(event.timestamp for event in events) >= datetime.now(UTC) - timedelta(days=40, minutes=1)

    def test_what_goes_together_is_bought_at_the_same_moment(self) -> None:
        random = Random(sample_shop.SEED)
        shop, customers = sample_shop.items(random), sample_shop.users(random)
        baskets = defaultdict[tuple[str, datetime], set[str]](set)
        for event in sample_shop.events(random, shop, customers, NOON):
            if event.event_type == "purchase":
                baskets[event.user_id, event.timestamp].add(event.item_id)

        together = Counter(tuple(sorted(basket)) for basket in baskets.values() if len(basket) == 2)

        goods = sample_shop.companions(shop)
        assert {pair: number for pair, number in together.items() if not _go_together(pair, goods)} == {}
        assert sum(number > 1 for number in together.values()) > len(goods) / 2, "a training needs two baskets"

    @pytest.mark.parametrize("kind", ["item", "user", "event"])
    def test_data_of_any_kind_is_not_mixed_with_the_sample_shop(
        self, wired: Wired, settings: Settings, tmp_path: Path, kind: str
    ) -> None:
        services, project = wired.services, settings.project
        match kind:
            case "item":
                services.items.put(project, an_item("tea"))
            case "user":
                services.users.put(project, User("ann"))
            case _:
                services.events.accept(project, [an_event("ann", "tea")])

        load_sample(services, project, tmp_path)

        items, users = services.items.list_page(project, None, None, 10), services.users.list_page(project, None, 10)
        assert len(items.records) == (kind == "item")
        assert len(users.records) == (kind == "user")
        assert len(list(services.events.all(project))) == (kind == "event")


class TestEventTypes:
    def test_weights_are_set_listed_and_reset(self, cli: Cli, wired: Wired, settings: Settings) -> None:
        stored = cli.run("event-types", "set", "Save-Later", "--serving", "-1", "--lists", "0")
        assert stored == "Save-Later: learning 1, serving -1, lists 0\n"

        [listed] = orjson.loads(cli.run("event-types", "list", "--json"))

        assert listed == {
            "event_type": "savelater",
            "kind": None,
            "count": 0,
            "weights": {"learning": 1.0, "serving": -1.0, "lists": 0.0},
            "is_default": False,
        }
        cli.run("event-types", "set", "savelater", "--means", "purchase")
        assert orjson.loads(cli.run("event-types", "list", "--json"))[0]["kind"] == "purchase"
        cli.run("event-types", "reset", "save_later")
        assert wired.services.event_types.all(settings.project) == []
        assert "not a valid event type" in cli.run("event-types", "set", "a b", fails=True)

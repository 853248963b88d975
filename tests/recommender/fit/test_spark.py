"""Training on Spark gives the local solver's rows, on a real local[2] cluster."""

import gzip
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from pyarrow import parquet
from pyspark.sql import SparkSession
from scipy import sparse

from app.config import Settings
from app.domain.events import Event
from app.domain.items import Item
from app.domain.recommendations import RecommendationQuery
from app.entry.offline import spark_training
from app.errors import NotEnoughData
from app.recommender import packing
from app.recommender.events.weights import DEFAULT
from app.recommender.fit import learn, local_ridge, parameter_search, spark
from app.recommender.fit.bought.baskets import PurchaseLog
from app.recommender.fit.bought.pairs import Pairs
from app.recommender.fit.evaluation.trial import LOCAL
from app.recommender.fit.interactions import gather
from app.recommender.fit.parameter_search import ORDERED_START
from app.storage.table import iso
from app.wiring import Wired
from tests.support import datasets
from tests.support.builders import an_event, an_item, two_tastes
from tests.support.stream_records import image

KEPT = 20
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Compile quickly: these runs end before optimized code pays off."""

SOME = 8_000
"""Interactions of real data that are trained on: the first seventh or so of the pairs."""


@pytest.fixture(scope="module")
def session() -> Iterator[SparkSession]:
    if shutil.which("java") is None:
        pytest.skip("Spark needs a whole Java; the wheel's lacks modules")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", JAVA_OPTIONS)
        with spark_training.session("local[2]") as session:
            session.conf.set("spark.sql.shuffle.partitions", 2)
            yield session


def parquet_of(events: Iterable[Event], path: Path) -> str:
    listed = [
        {
            "user_id": event.user_id,
            "item_id": event.item_id,
            "event_type": event.event_type,
            "value": event.value,
            "timestamp": event.timestamp,
        }
        for event in events
    ]
    parquet.write_table(pa.Table.from_pylist(listed), path)
    return str(path)


def mixed() -> list[Event]:
    """Two tastes, with ratings, dislikes, repetitions and events without weight."""
    events = two_tastes()
    events += [an_event("u1", "i1", "purchase", 90), an_event("u2", "i5", "dislike", 80)]
    events += [an_event(f"u{n}", f"i{n % 12}", "rating", 100 + n, value=float(n % 6)) for n in range(30)]
    events += [an_event("u3", "i3", "rating", 300, value=1.0), an_event("u5", "i9", "impression", 10)]
    events += [an_event("u7", f"i{n}", "Star-Rating", 400 + n, value=20.0 * n) for n in range(6)]
    events += [an_event("u9", f"i{n}", "Order", 500, value=9.5) for n in range(3)]
    events += [an_event("u8", f"i{n}", "remove_from_cart", 500) for n in range(3)]
    events += [an_event(f"u{n}", f"i{n % m}", "purchase", 600 + n + m) for n in range(20) for m in (2, 3, 5, 60)]
    events += [an_event("u9", "i1", "refund", 510), an_event("u4", "i4", "Order-Cancelled", 700)]
    return events


def here(events: list[Event], items: dict[str, Item]) -> Any:
    """The same training in this process, always with the local solver."""
    interactions = gather(events)
    choice = parameter_search.parameters(interactions, KEPT, lambda *_: None)
    rows = local_ridge.local_weights(interactions, choice.parameters, KEPT)
    model = learn.LocalModel(
        learn.Extent.of(interactions), replace(choice, solver=LOCAL), (), None, rows.final, rows.order, bought(events)
    )
    return model.with_content(items)


def bought(events: list[Event]) -> list[tuple[str, bytes]]:
    log = PurchaseLog(DEFAULT)
    list(log.recording(events))
    return Pairs.of(log).packed()


def published(model: Any, folder: Path) -> dict[str, dict[str, float]]:
    """The rows that a model's workers write."""
    folder.mkdir()
    model.publish(_Files(folder))
    return {path.name: packing.unpack(path.read_bytes()) for path in folder.iterdir()}


class _Files:
    """Writes each row to its own file, from any process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, packed: Iterable[tuple[str, bytes]]) -> None:
        for item_id, row in packed:
            (self._folder / item_id).write_bytes(row)


def assert_same(actual: dict[str, dict[str, float]], expected: dict[str, dict[str, float]]) -> None:
    """Asserts equal neighbors, and weights equal up to rounding."""
    assert actual.keys() == expected.keys()
    for item_id, row in expected.items():
        assert actual[item_id] == pytest.approx(row, rel=1e-4, abs=1e-6)


class TestLearn:
    def test_rows_lists_and_metrics_equal_the_local_solvers(self, session: SparkSession, tmp_path: Path) -> None:
        items = {f"i{n}": an_item(f"i{n}", f"c{n % 2}") for n in range(12)} | {"new": an_item("new", "c1")}
        expected = here(mixed(), items)
        read = spark_training.events(session, parquet_of(mixed(), tmp_path / "events.parquet"), "any")

        model = spark.learn(read, neighbors=KEPT, report=lambda *_: None).with_content(items)

        assert (model.parameters, model.counts) == (expected.parameters, expected.counts)
        assert model.metrics == pytest.approx(expected.metrics)
        assert model.item_ids == expected.item_ids
        assert model.popular({"i1": ("c1",)}) == expected.popular({"i1": ("c1",)})
        assert "new" in model.item_ids
        assert {*model.bought_ids} == {*expected.bought_ids} >= {"i0", "i1"}
        assert dict(model.bought.rows.collect()) == dict(expected.bought)
        assert_same(published(model, tmp_path / "spark"), published(expected, tmp_path / "local"))

    def test_rows_of_real_data_equal_the_local_solvers(self, session: SparkSession, tmp_path: Path) -> None:
        if not datasets.MOVIETWEETINGS.exists():
            pytest.skip("no shared data")
        events = [an_event(user, item, minutes=time / 60) for user, item, time in datasets.movietweetings()[:SOME]]
        here, parameters = gather(events), replace(ORDERED_START.parameters, recent_pairs=1.0)
        expected = local_ridge.local_weights(here, parameters, KEPT)
        read = spark_training.events(session, parquet_of(events, tmp_path / "events.parquet"), "any")

        pairs, threshold = spark.gathered(read)
        extent, sums = spark.extent_of(pairs, threshold)
        blocks = sorted(spark.fitted(pairs, extent.item_ids, sums, parameters, KEPT).collect())

        np.testing.assert_equal(vars(spark.sampled(pairs, extent)), vars(here))  # so the search chooses the same
        assert expected.order is not None
        for part in ("final", "order"):
            rows = sparse.vstack([getattr(block, part) for _, block in blocks]).toarray()
            np.testing.assert_allclose(rows, getattr(expected, part).toarray(), rtol=1e-4, atol=1e-6)

    def test_too_few_events_are_refused(self, session: SparkSession, tmp_path: Path) -> None:
        read = spark_training.events(session, parquet_of([an_event()], tmp_path / "events.parquet"), "any")

        with pytest.raises(NotEnoughData, match="1 user"):
            spark.learn(read, neighbors=KEPT, report=lambda *_: None)


class TestRead:
    def test_a_dynamodb_export_gives_the_projects_events(self, session: SparkSession, tmp_path: Path) -> None:
        events = mixed()
        lines = [{"Item": image("mine", event)} for event in events] + [
            {"Item": image("mine2", an_event("else", "where"))},
            {"Item": {"owner": {"S": "mine##months"}, "moment": {"S": "2026-01"}}},
        ]
        folder = tmp_path / "AWSDynamoDB" / "01" / "data"
        folder.mkdir(parents=True)
        with gzip.open(folder / "a.json.gz", "wb") as file:
            file.write(b"\n".join(map(orjson.dumps, lines)))

        rows = spark_training.events(session, str(tmp_path), "mine").collect()

        expected = (
            (event.user_id, event.item_id, event.event_type, event.value, event.timestamp.timestamp())
            for event in events
        )
        assert Counter(map(tuple, rows)) == Counter(expected)

    def test_json_lines_and_timestamps_as_text_are_read(self, session: SparkSession, tmp_path: Path) -> None:
        at = datetime(2026, 1, 31, 12, tzinfo=UTC)
        path = tmp_path / "events.jsonl"
        path.write_bytes(
            orjson.dumps({"user_id": "ann", "item_id": "tea", "timestamp": iso(at)})
            + b"\n"
            + orjson.dumps({"user_id": "bob", "item_id": "tea", "event_type": "like", "timestamp": "1769860800"})
        )

        rows = spark_training.events(session, str(path), "any").collect()

        assert [tuple(row) for row in rows] == [
            ("ann", "tea", "view", None, at.timestamp()),
            ("bob", "tea", "like", None, 1769860800.0),
        ]

    def test_files_without_required_columns_are_refused(self, session: SparkSession, tmp_path: Path) -> None:
        parquet.write_table(pa.table({"user_id": ["a"]}), tmp_path / "x.parquet")

        with pytest.raises(ValueError, match="lack the column item_id"):
            spark_training.events(session, str(tmp_path / "x.parquet"), "any")


class TestPublish:
    def test_workers_write_a_version_that_can_be_served(
        self, session: SparkSession, wired: Wired, settings: Settings, tmp_path: Path
    ) -> None:
        services, project = wired.services, settings.project
        services.items.put_many(project, [an_item(f"i{n}", f"c{n % 2}") for n in range(12)])
        services.events.accept(project, two_tastes())
        engine = spark_training.engine(session, parquet_of(two_tastes(), tmp_path / "events.parquet"), settings)

        version = services.train.run(project, services.train.queue(project), engine=engine)

        response = services.recommend.for_user(project, "u3", RecommendationQuery(limit=2))
        assert response.active
        assert response.active.version == version.version
        assert {recommendation.source for recommendation in response.recommendations} == {"neighbors"}
        assert all(int(recommendation.item_id[1:]) % 2 == 1 for recommendation in response.recommendations)
        assert np.isfinite(version.metrics["ndcg"])

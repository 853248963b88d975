"""Model versions of given rows, as if they had been learned."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from app.domain import POPULAR, ActiveModel, ModelVersion, VersionState
from app.recommender import rows
from app.storage.neighbours import Neighbours
from app.storage.versions import Versions
from app.wiring import Wired
from tests.build import NOON

Table = Mapping[str, Mapping[str, float]]


def publish(wired: Wired, project: str, table: Table, popular: Mapping[str, float]) -> None:
    """Make a model version of given rows the active one."""
    _put(wired, project, "v1", table, popular)
    Versions(wired.database).activate(project, ActiveModel("v1", NOON), None)


def plant(wired: Wired, project: str, version: str, table: Table, ndcg: float = 0.3) -> str:
    """A ready version, of which its training said so good it is."""
    _put(wired, project, version, table, {})
    made = NOON + timedelta(seconds=len(version))
    Versions(wired.database).create(project, _version(version, made, ndcg))
    return version


def _put(wired: Wired, project: str, version: str, table: Table, popular: Mapping[str, float]) -> None:
    neighbours = Neighbours(wired.database)
    packed = [(one, rows.pack(weights.items())) for one, weights in table.items()]
    neighbours.put_rows(project, version, packed)
    ranked = sorted(popular.items(), key=lambda entry: -entry[1])
    neighbours.put_lists(project, version, [(POPULAR, "", rows.pack(ranked))])


def _version(version: str, made: datetime, ndcg: float) -> ModelVersion:
    return ModelVersion(version, VersionState.READY, made, made, metrics={"ndcg": ndcg})

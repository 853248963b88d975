"""Model versions with chosen rows, as if they had been trained."""

from collections.abc import Mapping

from app.domain.models import ModelVersion, VersionState
from app.domain.recommendations import POPULAR, TERMS
from app.recommender import packing
from app.storage.neighbors import NeighborStore
from app.storage.versions import VersionStore
from app.wiring import Wired
from tests.support.builders import NOON

Table = Mapping[str, Mapping[str, float]]
NOTHING: Mapping[str, float] = {}


def publish(wired: Wired, project: str, table: Table, popular: Mapping[str, float]) -> None:
    """Plants a model version and activates it."""
    wired.services.rollout.activate(project, plant(wired, project, "v1", table, popular))


def plant(
    wired: Wired,
    project: str,
    version: str,
    table: Table,
    popular: Mapping[str, float] = NOTHING,
    ndcg: float = 0.3,
    terms: Mapping[str, float] = NOTHING,
    from_order: float | None = None,
) -> str:
    """Stores a ready version with a training metric.

    `terms` enable content-based cold start; `from_order` is the share of each weight that was learned from order.
    """
    neighbors = NeighborStore(wired.database)
    packed = [(item_id, _packed(weights, from_order)) for item_id, weights in table.items()]
    neighbors.put_rows(project, version, packed)
    ranked = sorted(popular.items(), key=lambda entry: -entry[1])
    lists = [(POPULAR, "", packing.pack(ranked)), (TERMS, "", packing.pack(terms.items()))]
    neighbors.put_lists(project, version, lists)
    parameters = {"content_weight": 0.5} if terms else {}
    metrics = {"ndcg": ndcg}
    model = ModelVersion(version, VersionState.READY, NOON, NOON, parameters=parameters, metrics=metrics)
    VersionStore(wired.database).create(project, model)
    return version


def _packed(weights: Mapping[str, float], from_order: float | None) -> bytes:
    if from_order is None:
        return packing.pack(weights.items())
    return packing.pack_parts((item_id, weight, from_order * weight) for item_id, weight in weights.items())

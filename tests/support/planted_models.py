"""Model versions with chosen rows, as if they had been trained."""

from collections.abc import Mapping
from datetime import UTC, datetime

from app.domain.models import ModelVersion, VersionState
from app.domain.recommendations import BOUGHT_TOGETHER, POPULAR, RECENT, TERMS, LiveList, list_name
from app.recommender import packing
from app.storage.lists import LiveListStore
from app.storage.neighbors import NeighborStore
from app.storage.versions import VersionStore
from app.wiring import Wired
from tests.support.builders import NOON

Table = Mapping[str, Mapping[str, float]]
Counted = Mapping[str, tuple[Mapping[str, tuple[float, int]], int]]
NOTHING: Mapping[str, float] = {}
NO_BASKETS: Counted = {}
NEVER_FADED = datetime(2100, 1, 1, tzinfo=UTC)


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
    parameters: Mapping[str, float] = NOTHING,
    bought: Counted = NO_BASKETS,
) -> str:
    """Stores a ready version with a training metric.

    `bought` is what is bought together: by item, the others with weight and count, and the baskets with the item.
    `terms` enable content-based cold start; `from_order` is the share of each weight that was learned from order.
    """
    neighbors = NeighborStore(wired.database)
    packed = [(item_id, _packed(weights, from_order)) for item_id, weights in table.items()]
    for item_id, (others, baskets) in bought.items():
        counted = ((other, weight, together) for other, (weight, together) in others.items())
        packed.append((list_name(BOUGHT_TOGETHER, item_id), packing.pack_counts(counted, baskets)))
    neighbors.put_rows(project, version, packed)
    ranked = sorted(popular.items(), key=lambda entry: -entry[1])
    lists = [(POPULAR, "", packing.pack(ranked)), (TERMS, "", packing.pack(terms.items()))]
    neighbors.put_lists(project, version, lists)
    learned = {"content_weight": 0.5, **parameters} if terms else parameters
    metrics = {"ndcg": ndcg}
    model = ModelVersion(version, VersionState.READY, NOON, NOON, parameters=learned, metrics=metrics)
    VersionStore(wired.database).create(project, model)
    return version


def plant_recent(wired: Wired, project: str, popularity: Mapping[str, float], as_of: datetime = NEVER_FADED) -> None:
    """Stores recent popularity."""
    packed = packing.pack(sorted(popularity.items(), key=lambda entry: -entry[1]))
    LiveListStore(wired.database).put(project, [LiveList(RECENT, "", as_of.timestamp(), packed)])


def _packed(weights: Mapping[str, float], from_order: float | None) -> bytes:
    if from_order is None:
        return packing.pack(weights.items())
    return packing.pack_parts((item_id, weight, from_order * weight) for item_id, weight in weights.items())

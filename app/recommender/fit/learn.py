"""From events to packed rows: choose the parameters, evaluate them, fit on all events."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.domain.events import Event
from app.domain.items import Item
from app.domain.recommendations import BOUGHT_TOGETHER, list_name
from app.errors import NotEnoughData
from app.recommender import packing
from app.recommender.events.weights import DEFAULT, Weights
from app.recommender.fit import content, parameter_search
from app.recommender.fit.bought.baskets import PurchaseLog
from app.recommender.fit.bought.pairs import Pairs
from app.recommender.fit.evaluation.trial import LOCAL
from app.recommender.fit.interactions import Interactions, gather, most_frequent
from app.recommender.fit.parameter_search import Choice
from app.recommender.fit.solver import dense_bytes
from app.recommender.packing import Packed
from app.recommender.progress import IsOver, ReportProgress, never

LIST_LENGTH = 500
MEMORY_SHARE = 0.8
"""Share of a training's memory that the dense solver may use."""


@dataclass(frozen=True)
class Extent:
    """Size and items of the data that a model was trained on."""

    item_ids: list[str]
    item_users: npt.NDArray[np.int64]
    """Number of users of each item, shape (items,)."""
    users: int
    interactions: int
    rating_threshold: float | None

    @classmethod
    def of(cls, interactions: Interactions) -> "Extent":
        item_ids = interactions.item_ids
        item_users = np.bincount(interactions.items, minlength=len(item_ids))
        return cls(item_ids, item_users, len(interactions.user_ids), len(interactions), interactions.rating_threshold)


@dataclass(frozen=True)
class BaseModel:
    """A model that is ready to be published, without its rows."""

    extent: Extent
    choice: Choice
    unseen_ids: tuple[str, ...]
    """Items without events; their rows and columns come after those of the others."""
    content_weight: float | None
    """Weight of an item with equal content."""

    @property
    def item_ids(self) -> list[str]:
        """Item ids of the model's rows and columns."""
        return [*self.extent.item_ids, *self.unseen_ids]

    @property
    def parameters(self) -> dict[str, float | str | None]:
        return {
            **asdict(self.choice.parameters),
            **asdict(self.choice.recency),
            "rating_threshold": self.extent.rating_threshold,
            "content_weight": self.content_weight,
            "solver": self.choice.solver,
            "holdout": self.choice.holdout,
        }

    @property
    def metrics(self) -> dict[str, float]:
        """Quality at 20 on the events held out, of a model that did not see them, with the margins of the means."""
        popular = self.choice.popularity.rounded() | self.choice.popularity.rounded_margins()
        baseline = {f"popularity_{name}": value for name, value in popular.items() if name != "users"}
        return {**self.choice.quality.rounded(), **self.choice.quality.rounded_margins(), **baseline}

    @property
    def counts(self) -> dict[str, int]:
        extent = self.extent
        return {"interactions": extent.interactions, "users": extent.users, "items": len(extent.item_ids)}

    def popular(self, categories: Mapping[str, tuple[str, ...]]) -> list[tuple[str, bytes]]:
        """Returns packed popular lists by category ("" for all): items and their numbers of users, most users first."""
        counts, item_ids = self.extent.item_users, self.extent.item_ids
        ranked: dict[str, list[tuple[str, float]]] = {"": []}
        for number in most_frequent(counts, len(counts)).tolist():
            for category in ("", *categories.get(item_ids[number], ())):
                entries = ranked.setdefault(category, [])
                if len(entries) < LIST_LENGTH:
                    entries.append((item_ids[number], float(counts[number])))
        return [(category, packing.pack(entries)) for category, entries in ranked.items()]

    def terms(self, items: Mapping[str, Item]) -> bytes:
        """Returns the packed inverse frequencies of terms."""
        return packing.pack(content.inverse_frequencies(list(items.values())))

    def unseen(self, items: Mapping[str, Item]) -> tuple[str, ...]:
        """Returns the ids of items without interactions, sorted."""
        return tuple(sorted(items.keys() - set(self.extent.item_ids)))

    def content(self, items: Mapping[str, Item], scale: float) -> sparse.csr_matrix:
        """Returns the content weights to add to the model, for its items and then the unseen ones.

        Args:
            items: the items of the catalog, by id.
            scale: weight of an item with equal content.
        """
        item_ids = [*self.extent.item_ids, *self.unseen(items)]
        users = np.zeros(len(item_ids))
        users[: len(self.extent.item_users)] = self.extent.item_users
        return content.weights(content.tf_idf([items.get(item_id) for item_id in item_ids]), users, scale)


@dataclass(frozen=True)
class LocalModel(BaseModel):
    """A model in memory."""

    model: sparse.csr_matrix
    """The final weights, of shape (items, items)."""
    order: sparse.csr_matrix | None
    """The part of each weight that comes from order; None if the model has learned none."""
    bought: Sequence[tuple[str, bytes]] = ()
    """The packed rows of items that are bought together."""

    @property
    def bought_ids(self) -> list[str]:
        """The items that are bought together with others."""
        return [item_id for item_id, _ in self.bought]

    def with_content(self, items: Mapping[str, Item]) -> "LocalModel":
        """Returns the model with content neighbors for items that have few users or none."""
        usual = content.usual_weight(content.heaviest(self.model))
        added = self.content(items, usual)
        model = self.model.copy()
        model.resize(added.shape)
        model = (model + added).tocsr()
        return replace(self, model=model, unseen_ids=self.unseen(items), content_weight=usual)

    def publish(self, put: Callable[[Packed], None]) -> None:
        """Passes the packed rows to `put`, those of items that are bought together under names of their own."""
        put(chain(self.packed_rows(), bought_rows(self.bought)))

    def packed_rows(self) -> Iterator[tuple[str, bytes]]:
        """Yields each item with neighbors and its packed row, heaviest first."""
        return packed(self.model, self.order, self.item_ids)


def bought_rows(rows: Packed) -> Packed:
    """Yields rows of items that are bought together under the names by which they are stored."""
    return ((list_name(BOUGHT_TOGETHER, item_id), row) for item_id, row in rows)


def packed(
    model: sparse.csr_matrix, order: sparse.csr_matrix | None, item_ids: Sequence[str], first: int = 0
) -> Iterator[tuple[str, bytes]]:
    """Yields each item with neighbors and its packed row, heaviest first; row 0 is item number `first`."""
    parts = np.zeros(model.shape[1])
    for number in range(model.shape[0]):
        start, end = model.indptr[number : number + 2]
        if start == end:
            continue
        sorted_ = np.argsort(-model.data[start:end], kind="stable") + start
        neighbors, weights = model.indices[sorted_], model.data[sorted_].tolist()
        ids = [item_ids[neighbor] for neighbor in neighbors.tolist()]
        if order is None:
            row = packing.pack(zip(ids, weights, strict=True))
        else:
            own = slice(*order.indptr[number : number + 2]) if number < order.shape[0] else slice(0, 0)
            parts[order.indices[own]] = order.data[own]
            row = packing.pack_parts(zip(ids, weights, parts[neighbors].tolist(), strict=True))
            parts[order.indices[own]] = 0.0
        yield item_ids[first + number], row


def learn(
    events: Iterable[Event],
    *,
    neighbors: int,
    memory_bytes: int,
    report: ReportProgress,
    earlier: Mapping[str, Any] = {},
    weights: Weights = DEFAULT,
    is_over: IsOver = never,
) -> LocalModel:
    """Trains a model on events, with the parameters of an earlier version if there is one.

    Raises:
        NotEnoughData: there are fewer than two users or two items with events that count.
    """
    log = PurchaseLog(weights)
    interactions = gather(log.recording(events), weights)
    bought = Pairs.of(log).packed()
    choice = chosen(
        interactions,
        neighbors=neighbors,
        memory_bytes=memory_bytes,
        report=report,
        earlier=earlier,
        is_over=is_over,
    )
    return replace(fitted(interactions, choice, neighbors=neighbors, report=report), bought=bought)


def chosen(
    interactions: Interactions,
    *,
    neighbors: int,
    memory_bytes: int,
    report: ReportProgress,
    holdout: str | None = None,
    seed: int = 0,
    earlier: Mapping[str, Any] = {},
    is_over: IsOver = never,
) -> Choice:
    """Chooses the parameters and solver that do best on the events held out, or those of an earlier version.

    If the dense solver does not fit into `memory_bytes`, the local one is used even if it is worse.

    Args:
        interactions: the interactions to train on.
        neighbors: number of weights in each row.
        memory_bytes: memory of the training.
        report: called with the progress of each phase.
        holdout: the events held out, by name; None takes those that fit the data.
        seed: the seed of a random holdout.
        earlier: parameters of an earlier version.
        is_over: no further parameters are tried once it returns True.

    Raises:
        NotEnoughData: there are fewer than two users or two items.
    """
    check_trainable(Extent.of(interactions))
    if earlier:
        report("judging parameters", 0.0)
        choice = parameter_search.reused(interactions, neighbors, report, earlier)
    else:
        choice = parameter_search.parameters(interactions, neighbors, report, holdout, seed, is_over)
    fits = dense_bytes(len(interactions.item_ids)) <= MEMORY_SHARE * memory_bytes
    return choice if fits else replace(choice, solver=LOCAL)


def fitted(interactions: Interactions, choice: Choice, *, neighbors: int, report: ReportProgress) -> LocalModel:
    """Fits the chosen parameters on all events."""
    report("learning", 0.0)
    rows = parameter_search.fitted(interactions, choice.parameters, choice.solver, neighbors, report)
    report("learning", 1.0)
    return LocalModel(Extent.of(interactions), choice, (), None, rows.final, rows.order)


def check_trainable(extent: Extent) -> None:
    """Raises NotEnoughData if there are fewer than two users or two items."""
    if extent.users < 2 or len(extent.item_ids) < 2:  # noqa: PLR2004
        counts = f"{extent.users} user(s) and {len(extent.item_ids)} item(s)"
        raise NotEnoughData(
            f"A model needs events of at least 2 users on 2 items; there are {counts}. Send more events."
        )

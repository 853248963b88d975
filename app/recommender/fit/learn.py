"""From events to packed rows: choose the parameters, judge them, learn from everything."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.domain.events import Event
from app.domain.items import Item
from app.errors import NotTrainable
from app.recommender import packing
from app.recommender.fit import content, parameter_search
from app.recommender.fit.interactions import Interactions, gather, most_frequent
from app.recommender.fit.parameter_search import LOCAL, Choice
from app.recommender.fit.solver import dense_bytes
from app.recommender.packing import Packed

Report = Callable[[str, float], None]
LIST_LENGTH = 500
MEMORY_SHARE = 0.8
"""Of the memory that a training may use, what the dense solver may."""


@dataclass(frozen=True)
class Extent:
    """What a model was learned from."""

    item_ids: list[str]
    item_users: npt.NDArray[np.int64]
    """How many users each item has."""
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
    """Of a model that is ready to be published, all but its rows."""

    extent: Extent
    choice: Choice
    unseen_ids: tuple[str, ...]
    """Items without events, whose rows and columns in the model follow those of the others."""
    content_weight: float | None
    """What an item weighs that says of itself the same as another one."""

    @property
    def item_ids(self) -> list[str]:
        """Of the model's rows and columns."""
        return [*self.extent.item_ids, *self.unseen_ids]

    @property
    def parameters(self) -> dict[str, float | str | None]:
        return {
            **asdict(self.choice.parameters),
            "half_life_days": self.choice.half_life_days,
            "rating_threshold": self.extent.rating_threshold,
            "content_weight": self.content_weight,
            "solver": self.choice.solver,
        }

    @property
    def metrics(self) -> dict[str, float]:
        """Of the events held out, at 20, from a model that did not see them."""
        baseline = {f"popularity_{name}": value for name, value in self.choice.popularity.rounded().items()}
        del baseline["popularity_users"]
        return {**self.choice.quality.rounded(), **baseline}

    @property
    def counts(self) -> dict[str, int]:
        extent = self.extent
        return {"interactions": extent.interactions, "users": extent.users, "items": len(extent.item_ids)}

    def popular(self, categories: Mapping[str, tuple[str, ...]]) -> list[tuple[str, bytes]]:
        """Packed lists by category, "" for all: the items that most users interacted with, and by how many."""
        counts, item_ids = self.extent.item_users, self.extent.item_ids
        ranked: dict[str, list[tuple[str, float]]] = {"": []}
        for number in most_frequent(counts, len(counts)).tolist():
            for category in ("", *categories.get(item_ids[number], ())):
                entries = ranked.setdefault(category, [])
                if len(entries) < LIST_LENGTH:
                    entries.append((item_ids[number], float(counts[number])))
        return [(category, packing.pack(entries)) for category, entries in ranked.items()]

    def terms(self, items: Mapping[str, Item]) -> bytes:
        """The packed list of how rare terms are."""
        return packing.pack(content.inverse_frequencies(list(items.values())))

    def unseen(self, items: Mapping[str, Item]) -> tuple[str, ...]:
        """The ids of items without interactions."""
        return tuple(sorted(items.keys() - set(self.extent.item_ids)))

    def content(self, items: Mapping[str, Item], scale: float) -> sparse.csr_matrix:
        """What items say of themselves, as weights to be added, for the known items and then the unseen ones.

        Args:
            items: those of the catalog.
            scale: what an equal item weighs.
        """
        item_ids = [*self.extent.item_ids, *self.unseen(items)]
        users = np.zeros(len(item_ids))
        users[: len(self.extent.item_users)] = self.extent.item_users
        return content.weights(content.tf_idf([items.get(item_id) for item_id in item_ids]), users, scale)


@dataclass(frozen=True)
class LocalModel(BaseModel):
    """A model in memory."""

    model: sparse.csr_matrix

    def with_content(self, items: Mapping[str, Item]) -> "LocalModel":
        """With neighbors by what items say of themselves, for items that few users or none have touched."""
        usual = content.usual_weight(content.heaviest(self.model))
        added = self.content(items, usual)
        model = self.model.copy()
        model.resize(added.shape)
        model = (model + added).tocsr()
        return replace(self, model=model, unseen_ids=self.unseen(items), content_weight=usual)

    def publish(self, put: Callable[[Packed], None]) -> None:
        put(self.packed_rows())

    def packed_rows(self) -> Iterator[tuple[str, bytes]]:
        """Each item that has neighbors, with its row, heaviest first."""
        return packed(self.model, self.item_ids)


def packed(model: sparse.csr_matrix, item_ids: Sequence[str], first: int = 0) -> Iterator[tuple[str, bytes]]:
    """Each item that has neighbors, with its row, heaviest first; the model's rows begin with item number `first`."""
    for number in range(model.shape[0]):
        start, end = model.indptr[number : number + 2]
        if start == end:
            continue
        order = np.argsort(-model.data[start:end], kind="stable") + start
        neighbors = model.indices[order].tolist()
        weights = zip((item_ids[n] for n in neighbors), model.data[order].tolist(), strict=True)
        yield item_ids[first + number], packing.pack(weights)


def learn(
    events: Iterable[Event], *, neighbors: int, memory_bytes: int, report: Report, earlier: Mapping[str, Any] = {}
) -> LocalModel:
    """Learn from events, with the parameters that an earlier version chose if they are given.

    Raises:
        NotTrainable: there are fewer than two users or two items with events that count.
    """
    interactions = gather(events)
    choice = chosen(interactions, neighbors=neighbors, memory_bytes=memory_bytes, report=report, earlier=earlier)
    return fitted(interactions, choice, neighbors=neighbors, report=report)


def from_interactions(
    interactions: Interactions,
    *,
    neighbors: int,
    memory_bytes: int,
    report: Report,
    held_out: npt.NDArray[np.bool_] | None = None,
) -> LocalModel:
    """Choose parameters on what is held out (by default each user's newest fifth), then fit everything with them."""
    choice = chosen(interactions, neighbors=neighbors, memory_bytes=memory_bytes, report=report, held_out=held_out)
    return fitted(interactions, choice, neighbors=neighbors, report=report)


def chosen(
    interactions: Interactions,
    *,
    neighbors: int,
    memory_bytes: int,
    report: Report,
    held_out: npt.NDArray[np.bool_] | None = None,
    earlier: Mapping[str, Any] = {},
) -> Choice:
    """The parameters and the solver that do best on what is held out, or that an earlier version chose.

    Where the dense solver has no room in so many bytes, the local one does it, whatever is the better.

    Raises:
        NotTrainable: there are fewer than two users or two items.
    """
    check_trainable(Extent.of(interactions))
    if earlier:
        report("judging parameters", 0.0)
        choice = parameter_search.reused(interactions, neighbors, report, earlier)
    else:
        choice = parameter_search.parameters(interactions, neighbors, report, held_out)
    fits = dense_bytes(len(interactions.item_ids)) <= MEMORY_SHARE * memory_bytes
    return choice if fits else replace(choice, solver=LOCAL)


def fitted(interactions: Interactions, choice: Choice, *, neighbors: int, report: Report) -> LocalModel:
    """Learn from everything with the parameters that were chosen."""
    report("learning", 0.0)
    model = parameter_search.fitted(
        interactions.matrix(), choice.parameters, choice.solver, neighbors, lambda done: report("learning", done)
    )
    report("learning", 1.0)
    return LocalModel(Extent.of(interactions), choice, (), None, model)


def check_trainable(extent: Extent) -> None:
    """Raises NotTrainable."""
    if extent.users < 2 or len(extent.item_ids) < 2:  # noqa: PLR2004
        found = f"{extent.users} user(s) and {len(extent.item_ids)} item(s)"
        raise NotTrainable(f"A model needs events of at least 2 users on 2 items; there are {found}. Send more events.")

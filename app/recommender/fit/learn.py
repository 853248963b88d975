"""From events to packed rows: choose the parameters, judge them, learn from everything."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.domain import Event, Item, Scoring
from app.errors import NotTrainable
from app.recommender import rows
from app.recommender.fit import choose, content
from app.recommender.fit.choose import LOCAL, Choice
from app.recommender.fit.interactions import Interactions, gather
from app.recommender.fit.solver import dense_bytes

Report = Callable[[str, float], None]
LIST_LENGTH = 500
MEMORY_SHARE = 0.8
"""Of the memory that a training may use, what the dense solver may."""


@dataclass(frozen=True)
class Learned:
    """A model that is ready to be published."""

    interactions: Interactions
    model: sparse.csr_matrix
    choice: Choice
    unseen_ids: tuple[str, ...] = ()
    """Items without events, whose rows and columns in the model follow those of the others."""

    @property
    def item_ids(self) -> list[str]:
        """Of the model's rows and columns."""
        return [*self.interactions.item_ids, *self.unseen_ids]

    def with_content(self, items: Mapping[str, Item]) -> "Learned":
        """With neighbours by what items say of themselves, for items that few users or none have touched."""
        known = set(self.interactions.item_ids)
        unseen = tuple(sorted(item_id for item_id in items if item_id not in known))
        item_ids = [*self.interactions.item_ids, *unseen]
        users = np.bincount(self.interactions.items, minlength=len(item_ids)).astype(np.float64)
        vectors = content.tf_idf([items.get(item_id) for item_id in item_ids])
        added = content.weights(vectors, users, content.usual_weight(self.model))
        model = self.model.copy()
        model.resize(added.shape)
        return replace(self, model=(model + added).tocsr(), unseen_ids=unseen)

    @property
    def scoring(self) -> Scoring:
        return Scoring(self.choice.half_life_days, self.interactions.rating_threshold)

    @property
    def parameters(self) -> dict[str, float | str | None]:
        return {**asdict(self.choice.parameters), **asdict(self.scoring), "solver": self.choice.solver}

    @property
    def metrics(self) -> dict[str, float]:
        """Of the events held out, at 20, from a model that did not see them."""
        baseline = {f"popularity_{name}": value for name, value in self.choice.popularity.rounded().items()}
        del baseline["popularity_users"]
        return {**self.choice.quality.rounded(), **baseline}

    @property
    def counts(self) -> dict[str, int]:
        sizes = self.interactions
        return {"interactions": len(sizes), "users": len(sizes.user_ids), "items": len(sizes.item_ids)}

    def packed_rows(self) -> Iterator[tuple[str, bytes]]:
        """Each item that has neighbours, with its row, heaviest first."""
        item_ids = self.item_ids
        for number, item_id in enumerate(item_ids):
            start, end = self.model.indptr[number : number + 2]
            if start == end:
                continue
            order = np.argsort(-self.model.data[start:end], kind="stable") + start
            neighbours = self.model.indices[order].tolist()
            yield (
                item_id,
                rows.pack(zip((item_ids[n] for n in neighbours), self.model.data[order].tolist(), strict=True)),
            )

    def popular(self, categories: dict[str, tuple[str, ...]]) -> list[tuple[str, bytes]]:
        """Packed lists by category, "" for all: the items that most users interacted with, and by how many."""
        counts = np.bincount(self.interactions.items, minlength=len(self.interactions.item_ids))
        ranked: dict[str, list[tuple[str, float]]] = {"": []}
        for number in np.argsort(-counts, kind="stable").tolist():
            item_id = self.interactions.item_ids[number]
            for category in ("", *categories.get(item_id, ())):
                entries = ranked.setdefault(category, [])
                if len(entries) < LIST_LENGTH:
                    entries.append((item_id, float(counts[number])))
        return [(category, rows.pack(entries)) for category, entries in ranked.items()]


def learn(events: Iterable[Event], *, neighbours: int, memory_bytes: int, report: Report) -> Learned:
    """Learn from events.

    Raises:
        NotTrainable: there are fewer than two users or two items with events that count.
    """
    return from_interactions(gather(events), neighbours=neighbours, memory_bytes=memory_bytes, report=report)


def from_interactions(
    interactions: Interactions,
    *,
    neighbours: int,
    memory_bytes: int,
    report: Report,
    held_out: npt.NDArray[np.bool_] | None = None,
) -> Learned:
    """Choose parameters on what is held out (by default each user's newest fifth), then fit everything with them.

    Where the dense solver has no room in so many bytes, the local one does it, whatever is the better.
    """
    if len(interactions.user_ids) < 2 or len(interactions.item_ids) < 2:  # noqa: PLR2004
        found = f"{len(interactions.user_ids)} user(s) and {len(interactions.item_ids)} item(s)"
        raise NotTrainable(f"A model needs events of at least 2 users on 2 items; there are {found}. Send more events.")
    choice = choose.parameters(interactions, neighbours, report, held_out)
    report("learning", 0.0)
    fits = dense_bytes(len(interactions.item_ids)) <= MEMORY_SHARE * memory_bytes
    choice = choice if fits else replace(choice, solver=LOCAL)
    model = choose.fitted(
        interactions.matrix(), choice.parameters, choice.solver, neighbours, lambda done: report("learning", done)
    )
    report("learning", 1.0)
    return Learned(interactions, model, choice)

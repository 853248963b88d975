"""Judging the recommender on files: the same learning and the same packed rows as in serving, without a database."""

import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.config import Settings, training_memory_bytes
from app.domain import EPOCH, Event
from app.entry import files
from app.entry.files import FileError
from app.entry.importing import checked
from app.recommender import rows
from app.recommender.fit import choose, measure
from app.recommender.fit.interactions import Interactions, combined, gather
from app.recommender.fit.learn import Learned, Report, from_interactions

SEED = 0
VALIDATION_SEED = 1
Mask = npt.NDArray[np.bool_]
HOLDOUTS: dict[str, Callable[[Interactions, int], Mask]] = {
    "random": choose.at_random,
    "time": lambda interactions, _: choose.after(interactions),
    "last": lambda interactions, _: choose.newest(interactions),
}


def run(train: Path, test: Path | None, holdout: str, k: int, report: Report) -> dict[str, Any]:
    """Learn from the training part, choosing parameters on a part held out of it in the same way, and judge.

    Args:
        train: a file with the columns user_id, item_id and optionally event_type, value, timestamp.
        test: a file of the same form; None holds out a fifth of `train`.
        holdout: random (numpy's default generator, seed 0), time (the newest fifth) or last (each user's newest fifth).
        k: length of the lists.
        report: is told of the progress.
    """
    started = time.monotonic()
    interactions = gather(_events(train))
    if test is None:
        held_out = HOLDOUTS[holdout](interactions, SEED)
    else:
        interactions, held_out = combined(interactions, gather(_events(test)))
    known = interactions.taken(~held_out)
    learned = from_interactions(
        known,
        neighbours=Settings.model_fields["neighbours"].default,
        memory_bytes=training_memory_bytes(None),
        report=report,
        held_out=HOLDOUTS[holdout](known, VALIDATION_SEED),
    )
    report("judging", 0.0)
    seen, right = known.matrix(), interactions.matrix(held_out)
    history = known.aged(learned.choice.half_life_days)
    quality = measure.quality(history, _served(learned, known.item_ids), seen, right, k)
    return {
        "k": k,
        "holdout": "file" if test else holdout,
        "interactions": {"train": len(known), "test": int(right.nnz)},
        "users": len(known.user_ids),
        "items": len(known.item_ids),
        "metrics": quality.rounded(),
        "popularity": measure.popularity_quality(seen, right, k).rounded(),
        "parameters": learned.parameters,
        "seconds": round(time.monotonic() - started, 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _served(learned: Learned, item_ids: list[str]) -> sparse.csr_matrix:
    """The model as serving sees it: packed rows, unpacked."""
    number = {item_id: place for place, item_id in enumerate(item_ids)}
    entries = [
        (number[item_id], number[neighbour], weight)
        for item_id, packed in learned.packed_rows()
        for neighbour, weight in rows.unpack(packed).items()
    ]
    sources, targets, weights = zip(*entries, strict=True) if entries else ((), (), ())
    return sparse.csr_matrix((weights, (sources, targets)), shape=(len(item_ids), len(item_ids)))


def _events(path: Path) -> Iterator[Event]:
    """The good rows of a file of events; a file with bad ones is refused."""
    for source in files.sources(path, "events", {}):
        for row, body in checked(source):
            if isinstance(body, str):
                raise FileError(f"{path.name}, row {row.number}: {body}.")
            yield body.record(body.user_id, EPOCH)

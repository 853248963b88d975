"""SASRec: a transformer that predicts what comes next in a history.

Kang and McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018; with the cross-entropy over all items that
makes it the strongest of its kind (Klenitskiy and Vasilev, "Turning Dross Into Gold Loss", RecSys 2023), or over a
sample of `SAMPLED` items in larger catalogs. It predicts the next item, of which those of one moment are in random
order, or an item of the next moment. On JAX, for PyTorch's wheels for Linux need gigabytes of CUDA libraries.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from app.entry.offline.peers.peer import Parameters, Peer, Scores
from app.recommender.fit.evaluation.questions import Questions
from app.recommender.fit.interactions import Integers, Interactions

SEED = 0
ROUNDS, EPOCHS = 100, 2
"""Most rounds, and epochs of each."""
BATCH = 32
SAMPLED = 4_000
LEAST_LENGTH = 16
ITEM, MOMENT = "item", "moment"
PARAMETERS: Parameters = {
    "target": ITEM,
    "width": 64,
    "blocks": 2,
    "heads": 2,
    "length": 50,
    "dropout": 0.5,
    "learning_rate": 0.002,
}
GROUPS: Sequence[tuple[str, Sequence[Any]]] = [
    ("target", (MOMENT,)),
    ("dropout", (0.3, 0.7)),
    ("width", (128,)),
    ("length", (100,)),
    ("blocks", (1,)),
    ("learning_rate", (0.001, 0.004)),
]


def fit(questions: Questions, parameters: Parameters) -> Iterator[Scores]:
    """Yields after every two epochs."""
    import jax  # noqa: PLC0415 - only in the peers' environment
    import optax  # noqa: PLC0415

    from app.entry.offline.peers import transformer  # noqa: PLC0415

    training, length, target = questions.training, parameters["length"], parameters["target"]
    items, random = len(training.item_ids), np.random.default_rng(SEED)
    key = jax.random.key(SEED)
    weights = transformer.initial(key, items, parameters)
    optimizer = optax.adam(parameters["learning_rate"], b2=0.98)
    state = optimizer.init(weights)
    step = jax.jit(transformer.step(optimizer, parameters))
    last = jax.jit(transformer.last(parameters))
    histories = newest(questions.histories, length, random)
    for _ in range(ROUNDS):
        for batch in chain.from_iterable(_batches(training, length, target, random) for _ in range(EPOCHS)):
            key, own = jax.random.split(key)
            negatives = random.permutation(items)[:SAMPLED] + 1 if items > SAMPLED else None
            weights, state = step(weights, state, batch, negatives, own)

        def scores(rows: Integers, weights: object = weights) -> npt.NDArray[np.floating]:
            padded = np.zeros((-(-len(rows) // BATCH) * BATCH, length), np.int32)
            padded[: len(rows)] = histories[rows]
            parts = [np.asarray(last(weights, padded[at : at + BATCH])) for at in range(0, len(padded), BATCH)]
            result: npt.NDArray[np.floating] = np.concatenate(parts)[: len(rows)]
            return result

        yield scores


PEER = Peer(fit, PARAMETERS, GROUPS)


def newest(interactions: Interactions, length: int, random: np.random.Generator) -> npt.NDArray[np.int32]:
    """Returns the newest items of each user, + 1, right-aligned in the order of time, shape (users, length)."""
    users, items, _ = _ordered(interactions, random)
    from_end = _from_end(users, len(interactions.user_ids))
    kept = from_end < length
    result = np.zeros((len(interactions.user_ids), length), np.int32)
    result[users[kept], length - 1 - from_end[kept]] = items[kept]
    return result


def windows(interactions: Interactions, length: int, target: str, random: np.random.Generator) -> npt.NDArray[np.int32]:
    """Returns inputs and targets, shape (2, windows, length): items + 1, right-aligned with zeros before them.

    A target is the next item, or a random item of the next moment; 0 if there is none. Long histories make several
    windows.
    """
    users, items, moments = _ordered(interactions, random)
    steps = moments if target == MOMENT else np.arange(len(users))
    count = int(steps.max(initial=-1)) + 1
    starts = np.searchsorted(steps, np.arange(count + 1))
    following = np.minimum(steps + 1, count - 1)
    chosen = starts[following] + (random.random(len(users)) * np.diff(starts)[following]).astype(np.int64)
    targets = np.where((following > steps) & (users[chosen] == users), items[chosen], 0)
    from_end = _from_end(users, len(interactions.user_ids))
    window = from_end // length
    begins = np.append(True, (users[1:] != users[:-1]) | (window[1:] != window[:-1]))[: len(users)]
    numbers, places = np.cumsum(begins) - 1, length - 1 - from_end % length
    result = np.zeros((2, int(begins.sum()), length), np.int32)
    result[:, numbers, places] = items, targets
    return result[:, (result[1] > 0).any(axis=1)]


def _ordered(interactions: Interactions, random: np.random.Generator) -> tuple[Integers, Integers, Integers]:
    """Returns users, items + 1 and moments by user and time; those of one moment are in random order."""
    order = np.lexsort((random.random(len(interactions)), interactions.times, interactions.users))
    return interactions.users[order], interactions.items[order] + 1, interactions.moments()[order]


def _from_end(users: Integers, count: int) -> Integers:
    """Returns how many later entries the user of each entry has."""
    counts = np.bincount(users, minlength=count)
    return np.repeat(np.cumsum(counts), counts) - 1 - np.arange(len(users))


def _batches(
    training: Interactions, length: int, target: str, random: np.random.Generator
) -> Iterator[npt.NDArray[np.int32]]:
    """Yields inputs and targets in batches of similar lengths, in random order, padded to few different shapes."""
    inputs, targets = windows(training, length, target, random)
    lengths = (inputs > 0).sum(axis=1)
    order = np.argsort(lengths + random.random(len(lengths)) * LEAST_LENGTH, kind="stable")
    for start in random.permutation(np.arange(0, len(order), BATCH)):
        rows = order[start : start + BATCH]
        used = LEAST_LENGTH
        while used < lengths[rows].max():
            used *= 2
        padded = np.zeros((2, BATCH, min(used, length)), np.int32)
        padded[:, : len(rows)] = inputs[rows, -padded.shape[2] :], targets[rows, -padded.shape[2] :]
        yield padded

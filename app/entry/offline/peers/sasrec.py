"""SASRec: a transformer that predicts each next item of a history.

Kang and McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018; with the cross-entropy over all items that
makes it the strongest of its kind (Klenitskiy and Vasilev, "Turning Dross Into Gold Loss", RecSys 2023), or over a
sample of `SAMPLED` items in larger catalogs. On JAX, for PyTorch's wheels for Linux need gigabytes of CUDA libraries.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from app.entry.offline.peers.peer import Parameters, Peer, Scores
from app.entry.offline.questions import Questions
from app.recommender.fit.interactions import Integers, Interactions

SEED = 0
ROUNDS, EPOCHS = 100, 2
"""Most rounds, and epochs of each."""
BATCH = 128
SAMPLED = 4_000
LEAST_LENGTH = 16
PARAMETERS: Parameters = {"width": 64, "blocks": 2, "heads": 2, "length": 50, "dropout": 0.5, "learning_rate": 0.002}
GROUPS: Sequence[tuple[str, Sequence[Any]]] = [
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

    training, length = questions.training, parameters["length"]
    items, random = len(training.item_ids), np.random.default_rng(SEED)
    key = jax.random.key(SEED)
    weights = transformer.initial(key, items, parameters)
    optimizer = optax.adam(parameters["learning_rate"], b2=0.98)
    state = optimizer.init(weights)
    step = jax.jit(transformer.step(optimizer, parameters))
    last = jax.jit(transformer.last(parameters))
    histories = _sequences(questions.histories, length, random, last=True)
    for _ in range(ROUNDS):
        for batch in chain.from_iterable(_batches(training, length, random) for _ in range(EPOCHS)):
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


def _sequences(
    interactions: Interactions, length: int, random: np.random.Generator, *, last: bool
) -> npt.NDArray[np.int32]:
    """Returns items + 1 in the order of time, right-aligned with zeros before them, shape (sequences, length).

    Interactions of one moment are in random order. `last` gives the newest items of each user; otherwise long histories
    make several sequences, of which each begins with the last item of the one before.
    """
    order = np.lexsort((random.random(len(interactions)), interactions.times, interactions.users))
    users, items = interactions.users[order], interactions.items[order] + 1
    counts = np.bincount(users, minlength=len(interactions.user_ids))
    from_end = np.repeat(np.cumsum(counts), counts) - 1 - np.arange(len(users))
    if last:
        result = np.zeros((len(counts), length), np.int32)
        kept = from_end < length
        result[users[kept], length - 1 - from_end[kept]] = items[kept]
        return result
    window = from_end // (length - 1)
    numbers = np.cumsum(np.append(0, (users[1:] != users[:-1]) | (window[1:] != window[:-1])))[: len(users)]
    place = length - 1 - from_end % (length - 1)
    result = np.zeros((int(numbers.max(initial=-1)) + 1, length), np.int32)
    result[numbers, place] = items
    first = np.flatnonzero(np.append(False, numbers[1:] != numbers[:-1])[: len(users)] & (place == 1))
    first = first[users[first] == users[first - 1]]
    result[numbers[first], 0] = items[first - 1]
    return result


def _batches(training: Interactions, length: int, random: np.random.Generator) -> Iterator[npt.NDArray[np.int32]]:
    """Yields the sequences in batches of similar lengths, in random order, padded to few different shapes."""
    windows = _sequences(training, length + 1, random, last=False)
    windows = windows[windows[:, -2] > 0]
    lengths = (windows > 0).sum(axis=1)
    order = np.argsort(lengths + random.random(len(lengths)) * LEAST_LENGTH, kind="stable")
    for start in random.permutation(np.arange(0, len(order), BATCH)):
        batch = windows[order[start : start + BATCH]]
        used = LEAST_LENGTH
        while used < lengths[order[start : start + BATCH]].max() - 1:
            used *= 2
        padded = np.zeros((BATCH, min(used + 1, windows.shape[1])), np.int32)
        padded[: len(batch)] = batch[:, -padded.shape[1] :]
        yield padded

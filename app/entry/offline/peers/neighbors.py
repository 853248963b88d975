"""Item-item models: co-occurrence, RP3beta, item kNN (implicit), EASE (RecTools) and our local ridge.

RP3beta: Paudel et al., "Updatable, Accurate, Diverse, and Scalable Recommendations", TiiS 7, 2017.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.entry.offline.peers.peer import Parameters, Scores
from app.recommender.fit.evaluation.questions import Questions
from app.recommender.fit.interactions import Integers

KEPT = 100
"""Weights in each row of the local ridge, as in serving."""


def co_occurrence(questions: Questions, parameters: Parameters) -> Iterator[Scores]:
    """W = D^-b X' U^-2a X D^-b without its diagonal, the `kept` largest weights of each row."""
    matrix = _binary(questions)
    users = sparse.diags(_counts(matrix, 1) ** -parameters["user_exponent"])
    items = sparse.diags(_counts(matrix, 0) ** -parameters["item_exponent"])
    normal = (users @ matrix @ items).tocsr()
    yield _sum_of_rows(questions, _heaviest((normal.T @ normal).tocsr(), parameters["kept"]))


def rp3beta(questions: Questions, parameters: Parameters) -> Iterator[Scores]:
    """W[i, j] = sum over users of P(i -> u)^alpha * P(u -> j)^alpha / popularity(j)^beta."""
    matrix = _binary(questions)
    counts, lengths = _counts(matrix, 0), _counts(matrix, 1)
    alpha, beta = parameters["alpha"], parameters["beta"]
    to_users = sparse.diags(counts**-alpha) @ matrix.T
    to_items = sparse.diags(lengths**-alpha) @ matrix @ sparse.diags(counts**-beta)
    yield _sum_of_rows(questions, _heaviest((to_users @ to_items).tocsr(), parameters["kept"]))


def item_knn(questions: Questions, parameters: Parameters) -> Iterator[Scores]:
    """Returns implicit's nearest neighbors by the cosine of TF-IDF or BM25 weights, or of none."""
    from implicit import nearest_neighbours  # noqa: PLC0415 - only in the peers' environment

    kinds = {
        "cosine": nearest_neighbours.CosineRecommender,
        "tf-idf": nearest_neighbours.TFIDFRecommender,
        "bm25": nearest_neighbours.BM25Recommender,
    }
    model = kinds[parameters["weights"]](K=parameters["kept"])
    model.fit(_binary(questions), show_progress=False)
    similarity = sparse.csr_matrix(model.similarity)
    similarity.setdiag(0.0)
    yield _sum_of_rows(questions, similarity.T.tocsr())


def ease(questions: Questions, parameters: Parameters) -> Iterator[Scores]:
    """Returns RecTools' EASE (Steck, WWW 2019)."""
    import pandas as pd  # noqa: PLC0415 - only in the peers' environment
    from rectools import Columns  # noqa: PLC0415
    from rectools.dataset import Dataset  # noqa: PLC0415
    from rectools.models import EASEModel  # noqa: PLC0415

    training = questions.training
    columns = {Columns.User: training.users, Columns.Item: training.items, Columns.Weight: 1.0, Columns.Datetime: 0}
    dataset = Dataset.construct(pd.DataFrame(columns).astype({Columns.Datetime: "datetime64[ns]"}))
    model = EASEModel(regularization=parameters["ridge"]).fit(dataset)
    items = dataset.item_id_map.external_ids
    weight = np.zeros((len(training.item_ids),) * 2, np.float32)
    weight[np.ix_(items, items)] = model.weight
    histories = _histories(questions)
    yield lambda rows: histories[rows] @ weight


def local_ridge(questions: Questions, parameters: Parameters) -> Iterator[Scores]:
    """Returns Serendip's local solver on similarity alone, with rows as long as in serving."""
    from app.recommender.fit import parameter_search  # noqa: PLC0415 - needs packages that the other peers do not
    from app.recommender.fit.evaluation.trial import LOCAL  # noqa: PLC0415
    from app.recommender.fit.solver import Parameters as Learned  # noqa: PLC0415

    rows = parameter_search.fitted(questions.training, Learned(**parameters), LOCAL, KEPT)
    yield _sum_of_rows(questions, rows.final)


def _binary(questions: Questions) -> sparse.csr_matrix:
    matrix = questions.training.matrix()
    matrix.data = np.ones(len(matrix.data), np.float32)
    return matrix


def _counts(matrix: sparse.csr_matrix, axis: int) -> npt.NDArray[np.float64]:
    """Returns the sums of a binary matrix along an axis, at least 1."""
    counts: npt.NDArray[np.float64] = np.maximum(np.asarray(matrix.sum(axis=axis), np.float64).ravel(), 1.0)
    return counts


def _histories(questions: Questions) -> sparse.csr_matrix:
    matrix = questions.seen.astype(np.float32)
    matrix.data[:] = 1.0
    return matrix


def _sum_of_rows(questions: Questions, weights: sparse.csr_matrix) -> Scores:
    """Scores an item by the sum of its weights in the rows of the history; only positive scores are recommended."""
    histories = _histories(questions)

    def scores(rows: Integers) -> npt.NDArray[np.floating]:
        values: npt.NDArray[np.floating] = (histories[rows] @ weights).toarray()
        values[values <= 0] = -np.inf
        return values

    return scores


def _heaviest(weights: sparse.csr_matrix, kept: int | None) -> sparse.csr_matrix:
    """Keeps the largest weights of each row off the diagonal, or all."""
    weights.setdiag(0.0)
    weights.eliminate_zeros()
    if kept is None:
        return weights
    for start, end in zip(weights.indptr[:-1], weights.indptr[1:], strict=True):
        if end - start > kept:
            row = weights.data[start:end]
            row[np.argpartition(-row, kept)[kept:]] = 0.0
    weights.eliminate_zeros()
    return weights

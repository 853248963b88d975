"""Random interaction matrices."""

import numpy as np
from scipy import sparse


def some_interactions(seed: int = 0, users: int = 30, items: int = 12) -> sparse.csr_matrix:
    dense = (np.random.default_rng(seed).random((users, items)) < 0.3).astype(float)
    dense[0, :] = dense[:, 0] = 1.0
    return sparse.csr_matrix(dense)

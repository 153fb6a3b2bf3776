"""The walk of many samples down many trees."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def add_leaves(
    x: np.ndarray,
    roots: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    leaves: np.ndarray,
    total: np.ndarray,
) -> None:
    """Add the class shares of the leaf in which each sample ends, tree by tree, to `total`.

    `feature` is -1 in a leaf, whose row in `leaves` then stands in `left`; elsewhere a sample goes
    to `left` if its feature is at most the threshold, otherwise to `right`.
    """
    for root in roots:
        for sample in range(x.shape[0]):
            node = root
            while feature[node] >= 0:
                within = x[sample, feature[node]] <= threshold[node]
                node = left[node] if within else right[node]
            for code in range(leaves.shape[1]):
                total[sample, code] += leaves[left[node], code]

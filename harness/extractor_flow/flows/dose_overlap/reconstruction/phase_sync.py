"""Multiplies patches by phase factors so that they agree where they overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Complex = NDArray[np.complex128]

# In radii of the bright disc: with 2, a scan at an overlap of 0.7 falls into pieces.
_REACH = 2.5
_ROUNDS = 4
_ANCHOR = 1e-6


def synchronised(patches: Complex, weights: Floats, first: NDArray[np.int64]) -> Complex:
    """(n, N, N) patches, each multiplied by one phase factor so that overlapping ones agree in the least-squares sense.

    *weights* (N, N) say which pixels of a patch count. Patches that no chain of overlaps joins keep the mean phase they
    came with, so that what the data cannot say is left as it was.
    """
    pairs = _overlapping_pairs(weights, first)
    if not len(pairs):
        return patches
    products = _overlap_products(patches * weights, first, pairs)
    angles = _solve(products, pairs, len(patches))
    return np.asarray(patches * np.exp(1j * angles)[:, None, None])


def _overlapping_pairs(weights: Floats, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of patches, (p, 2), whose bright discs touch."""
    radius = float(np.sqrt(weights.sum() / weights.max() / np.pi))
    reach = min(_REACH * radius, weights.shape[-1] - 1)
    pairs = KDTree(first).query_pairs(reach, output_type="ndarray")
    return np.asarray(pairs, dtype=np.int64).reshape(-1, 2)


def _overlap_products(weighted: Complex, first: NDArray[np.int64], pairs: NDArray[np.int64]) -> Complex:
    """For each pair the sum of a * conj(b) over the pixels that both see."""
    size = weighted.shape[-1]
    shifts = first[pairs[:, 1]] - first[pairs[:, 0]]
    distinct, group = np.unique(shifts, axis=0, return_inverse=True)
    products = np.empty(len(pairs), dtype=np.complex128)
    for number, (down, right) in enumerate(distinct.tolist()):
        own = (slice(None), slice(max(down, 0), size + min(down, 0)), slice(max(right, 0), size + min(right, 0)))
        other = (slice(None), slice(max(-down, 0), size + min(-down, 0)), slice(max(-right, 0), size + min(-right, 0)))
        members = np.flatnonzero(group.reshape(-1) == number)
        left, right_patches = weighted[pairs[members, 0]][own], weighted[pairs[members, 1]][other]
        products[members] = np.einsum("nij,nij->n", left, right_patches.conj())
    return products


def _solve(products: Complex, pairs: NDArray[np.int64], count: int) -> Floats:
    """The angles that turn the patches: a spanning tree's at first, then a few Gauss-Newton rounds over all pairs."""
    strength = np.abs(products) + np.finfo(np.float64).tiny
    labels, angles = _tree_angles(products, strength, pairs, count)
    one, two = pairs.T
    rows, columns = np.concatenate([one, two, one, two]), np.concatenate([one, two, two, one])
    values = np.concatenate([strength, strength, -strength, -strength])
    laplacian = sparse.coo_matrix((values, (rows, columns)), shape=(count, count)).tocsc()
    solver = splu((laplacian + _ANCHOR * strength.mean() * sparse.identity(count)).tocsc())
    for _ in range(_ROUNDS):
        misfit = strength * np.angle(products * np.exp(1j * (angles[one] - angles[two])))
        drive = np.bincount(two, misfit, count) - np.bincount(one, misfit, count)
        angles = angles + solver.solve(drive)
    return np.asarray(angles - _component_means(angles, labels), dtype=np.float64)


def _tree_angles(
    products: Complex, strength: Floats, pairs: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], Floats]:
    """The component of each patch, and angles that agree exactly along the strongest spanning tree of each."""
    one, two = pairs.T
    graph = sparse.coo_matrix((1 / strength, (one, two)), shape=(count, count)).tocsr()
    tree = csgraph.minimum_spanning_tree(graph)
    _, labels = csgraph.connected_components(tree, directed=False)
    relative: dict[tuple[int, int], float] = {}
    for left, right, angle in zip(one.tolist(), two.tolist(), np.angle(products).tolist(), strict=True):
        relative[left, right], relative[right, left] = angle, -angle
    angles = np.zeros(count)
    for root in np.unique(labels, return_index=True)[1].tolist():
        order, parents = csgraph.breadth_first_order(tree, root, directed=False)
        for patch in order[1:].tolist():
            parent = int(parents[patch])
            angles[patch] = angles[parent] + relative[parent, patch]
    return np.asarray(labels, dtype=np.int64), angles


def _component_means(angles: Floats, labels: NDArray[np.int64]) -> Floats:
    """The circular mean of the angles of each patch's component."""
    number = int(labels.max()) + 1
    turns = np.exp(1j * angles)
    sums = np.bincount(labels, turns.real, number) + 1j * np.bincount(labels, turns.imag, number)
    return np.asarray(np.angle(sums)[labels])

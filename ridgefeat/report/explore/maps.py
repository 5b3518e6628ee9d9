"""Statistics over all columns: maps of prints, correlations, unusual prints, columns that separate groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform
from sklearn.covariance import MinCovDet
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from ridgefeat.bench.selection import correlate_ranks
from ridgefeat.structure import Float

Array = NDArray[np.float64]

COMPONENTS = 4
"""Number of principal components that can be plotted."""
MAX_MISSING = 0.5
"""Fraction of missing columns from which a print is not on a map."""
MIN_PRINTS = 12
CLIP = 8.0
"""Robust standard deviations at which values are clipped, so that an outlier does not set a map's scale."""
NEIGHBOUR_COMPONENTS, NEIGHBOUR_STEPS = 30, 500
"""Limits on the time of t-SNE: number of components and of steps."""
ANGLE = 0.8
"""Angular size of groups of prints that act as one in t-SNE. It takes two thirds of the time of scikit-learn's 0.5, and
neighbours are kept as well: trustworthiness 0.953 on 4,200 prints of SOCOFing with either."""
DISTANCE_COMPONENTS = 10
MAX_CORRELATED = 2000
"""Maximum number of columns whose correlations are shown: the first ones."""


@dataclass(frozen=True)
class Maps:
    """Places of prints."""

    axes: dict[str, Float]
    """Coordinates by name, shape (prints,); NaN for a print with too little measured."""
    explained: tuple[float, ...]
    """Fraction of the variance of each principal component."""
    distance: Float
    """Robust distance from the centre of all prints, shape (prints,); NaN as above."""
    furthest: NDArray[np.int64]
    """Columns in which a print is furthest from the median, shape (prints, 3)."""
    deviation: Float
    """By how many robust standard deviations, shape (prints, 3)."""


def make_maps(values: Float, families: NDArray[Any], *, neighbours: bool, seed: int) -> Maps:
    """Return maps of the prints by all columns; values have the shape (prints, columns) and are NaN where missing.

    Every family of columns has the same weight, whatever its number of columns. With `neighbours` there is also a map
    of neighbours (t-SNE, van der Maaten and Hinton 2008). The seed is that of t-SNE and of the robust distance.

    Columns are centred on their median, divided by their robust standard deviation and clipped at ±8; missing values
    are replaced by the median. The distance is Mahalanobis' on ten principal components, with centre and covariance
    from the half of the prints that lie closest together (minimum covariance determinant, Rousseeuw and
    Van Driessen 1999).
    """
    placed = np.isnan(values).mean(1) < MAX_MISSING if values.shape[1] else np.zeros(len(values), bool)
    n = len(values)
    nowhere = np.full(n, np.nan, np.float32)
    z = robust_scores(values[placed])
    furthest, deviation = _furthest(z, placed, n)
    z = np.clip(z, -CLIP, CLIP)
    if placed.sum() < MIN_PRINTS or not z.any():
        return Maps({}, (), nowhere, furthest, deviation)
    scores, explained = _components(z, families)
    axes = {f"PC {k + 1}": _spread(scores[:, k], placed) for k in range(min(COMPONENTS, scores.shape[1]))}
    if neighbours and scores.shape[1] >= 2:
        few = scores[:, :NEIGHBOUR_COMPONENTS]
        perplexity = min(30.0, (len(few) - 1) / 3)
        tsne = TSNE(2, perplexity=perplexity, angle=ANGLE, max_iter=NEIGHBOUR_STEPS, n_jobs=1, random_state=seed)
        flat = np.asarray(tsne.fit_transform(few))
        axes |= {f"t-SNE {k + 1}": _spread(flat[:, k], placed) for k in range(2)}
    distance = _spread(_distance(scores[:, :DISTANCE_COMPONENTS], seed), placed)
    return Maps(axes, tuple(explained[:COMPONENTS].tolist()), distance, furthest, deviation)


def robust_scores(values: Float) -> Array:
    """Return columns in robust standard deviations from their medians; 0 where missing or constant.

    The deviation is 1.4826 times the median absolute deviation, but at least half the standard deviation: a column that
    is nearly always the same, or has two peaks, would otherwise make every other value unusual.

    Examples
    --------
    >>> robust_scores(np.array([[0], [0], [0], [4]], np.float32)).round(2).ravel().tolist()
    [0.0, 0.0, 0.0, 4.62]
    """
    out = np.zeros(values.shape)
    known = np.isfinite(values)
    some = known.sum(0) >= 2
    if not len(values) or not some.any():
        return out
    x = np.where(known, values, np.nan).astype(np.float64)[:, some]
    middle = np.nanmedian(x, 0)
    scale = np.maximum(1.4826 * np.nanmedian(np.abs(x - middle), 0), np.nanstd(x, 0) / 2)
    ok = scale > 0
    z = np.zeros(x.shape)
    z[:, ok] = (x[:, ok] - middle[ok]) / scale[ok]
    out[:, some] = np.nan_to_num(z)
    return out


def _furthest(z: Array, placed: NDArray[np.bool_], n: int) -> tuple[NDArray[np.int64], Float]:
    most = min(3, z.shape[1])
    furthest, deviation = np.zeros((n, most), np.int64), np.full((n, most), np.nan, np.float32)
    if len(z) and most:
        top = np.argsort(-np.abs(z), axis=1, kind="stable")[:, :most]
        furthest[placed], deviation[placed] = top, np.take_along_axis(z, top, 1)
    return furthest, deviation


def _components(z: Array, families: NDArray[Any]) -> tuple[Array, Array]:
    _, family, count = np.unique(families, return_inverse=True, return_counts=True)
    weighted = z / np.sqrt(count[family])
    wanted = min(NEIGHBOUR_COMPONENTS, *z.shape)
    fitted = PCA(wanted, svd_solver="covariance_eigh" if z.shape[1] < 4 * len(z) else "full")
    scores: Array = fitted.fit_transform(weighted)
    real = fitted.explained_variance_ > 1e-10 * max(1e-300, float(fitted.explained_variance_[0]))
    return scores[:, real], np.asarray(fitted.explained_variance_ratio_)[real]


def _distance(scores: Array, seed: int) -> Array:
    scores = scores[:, : max(1, min(scores.shape[1], len(scores) // 5))]
    scores = scores / np.maximum(scores.std(0), 1e-12)
    squared = MinCovDet(random_state=seed).fit(scores).mahalanobis(scores)
    return np.asarray(np.sqrt(np.maximum(squared, 0)))


def _spread(values: Array, placed: NDArray[np.bool_]) -> Float:
    out = np.full(len(placed), np.nan, np.float32)
    out[placed] = values
    return out


def correlate(ranks: Array) -> tuple[NDArray[np.int64], Array]:
    """Return columns in clustered order, and their rank correlations in that order.

    The ranks, of shape (prints, columns), are those of `rank_scores`. Average linkage orders the columns by 1 - |r|;
    constant ones are left out. A correlation is over the prints that have both columns; 0 where fewer than three have.
    """
    chosen = np.flatnonzero(np.isfinite(ranks).any(0))[:MAX_CORRELATED]
    r = correlate_ranks(ranks[:, chosen])
    np.fill_diagonal(r, 1)
    if len(chosen) < 3:
        return chosen, r
    apart = 1 - np.abs((r + r.T) / 2)
    order = leaves_list(linkage(squareform(apart, checks=False), "average"))
    return chosen[order], r[np.ix_(order, order)]


def separate_groups(ranks: Array, codes: NDArray[np.uint8], groups: int) -> Array:
    """Return how well groups are separated in each column: the fraction of the ranks' variance between them.

    The ranks, of shape (prints, columns), are those of `rank_scores`; codes of `groups` and above belong to no group.
    The fraction is epsilon squared of Kruskal and Wallis, 0 (alike) to 1; NaN where undefined.
    """
    member = (codes[:, None] == np.arange(groups)).astype(np.float64)
    used = member.any(1)
    known = np.isfinite(ranks) & used[:, None]
    x = np.where(known, ranks, 0.0)
    counts, sums = member.T @ known, member.T @ x
    with np.errstate(invalid="ignore", divide="ignore"):
        total = known.sum(0)
        mean = x.sum(0) / total
        between = (counts * (np.where(counts > 0, sums / counts, 0) - mean) ** 2).sum(0)
        whole = (x**2).sum(0) - total * mean**2
        # The fraction expected by chance, (groups - 1) / (prints - 1), is subtracted.
        fraction = between / whole
        chance = ((counts > 0).sum(0) - 1) / (total - 1)
        return np.asarray(np.clip((fraction - chance) / (1 - chance), 0, 1))

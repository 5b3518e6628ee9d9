"""FeatureExtractor: prints to features inside a scikit-learn Pipeline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from joblib import Memory
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from ridgefeat.errors import ImageError, ParameterError
from ridgefeat.features.family import Families
from ridgefeat.files import first_few
from ridgefeat.params import Params
from ridgefeat.sources import find_prints
from ridgefeat.sources.source import list_prints
from ridgefeat.structure import Float
from ridgefeat.table.api import compute_rows
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import ArrayPrint, Item, file_state


@dataclass(eq=False, repr=False)
class FeatureExtractor(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn prints (paths or arrays) into features. It learns nothing, so it cannot leak between folds.

    Parameters
    ----------
    families : sequence of str or Family, optional
        Families to compute; all without.
    params : Params, optional
        Parameters of the stages.
    dpi : float or (float, float), optional
        Resolution; without it the layout's, then the header's, and 500 for arrays.
    layout : str
        What file names mean.
    jobs : int or None
        Worker processes; None or -1 for every core.
    on_error : {"nan", "raise"}
        What a print that cannot be read becomes: a row of NaN, or an ImageError.
    memory : str or joblib.Memory, optional
        Folder that keeps results, so that cross-validation computes each set of prints once.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = make_pipeline(FeatureExtractor(["ridge"]), SimpleImputer(), LogisticRegression())
    """

    families: Families | None = None
    params: Params | None = None
    dpi: float | tuple[float, float] | None = None
    layout: str = "auto"
    jobs: int | None = 1
    on_error: Literal["nan", "raise"] = "nan"
    memory: Any = None

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters; there is nothing to learn.

        Raises ParameterError for an unknown family, an impossible resolution or an unknown `on_error`.
        """
        self._recipe()
        return self

    def transform(self, X: Any) -> Float:
        """Return the features of prints.

        Parameters
        ----------
        X : sequence of paths or of ndarray of uint8, or ndarray of uint8, shape (prints, rows, columns)
            A column of a DataFrame or an array of one column will do for paths.

        Returns
        -------
        ndarray of float32, shape (prints, features)

        Raises
        ------
        ImageError
            If a print cannot be read and `on_error` is "raise", or X holds neither paths nor images.
        """
        recipe = self._recipe()
        items = _as_items(X, self.layout)
        compute = _compute
        if self.memory is not None:
            memory = Memory(self.memory, verbose=0) if isinstance(self.memory, (str, os.PathLike)) else self.memory
            compute = memory.cache(compute, ignore=["jobs"])
        values, errors = compute(items, [file_state(i) for i in items], recipe, self.jobs)
        if errors and self.on_error == "raise":
            raise ImageError(first_few(errors, 3, "; "))
        return values

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns, in order."""
        return np.array([c.name for c in self._recipe().columns()], object)

    def _recipe(self) -> Recipe:
        if self.on_error not in ("nan", "raise"):
            raise ParameterError(f"on_error must be 'nan' or 'raise', got {self.on_error!r}")
        return Recipe.make(self.families, self.params, self.dpi, self.layout)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = tags.input_tags.allow_nan = False
        tags.input_tags.three_d_array = tags.input_tags.string = True
        return tags


def _compute(
    items: Sequence[Item], states: Sequence[object], recipe: Recipe, jobs: int | None
) -> tuple[Float, list[str]]:
    """Return features and errors; `states` are unused: with them a cache notices that a file has changed."""
    meta, values = compute_rows(items, recipe, jobs)
    return values, [f"{m['meta_source']}: {m['meta_error']}" for m in meta if m["meta_error"]]


def _as_items(X: Any, layout: str) -> list[Item]:
    prints = list_prints(X)
    if all(isinstance(p, np.ndarray) and p.ndim == 2 for p in prints):
        return [ArrayPrint(p, f"[{i}]") for i, p in enumerate(prints)]
    if any(isinstance(p, np.ndarray) for p in prints):
        kinds = ", ".join(sorted({type(p).__name__ for p in prints}))
        raise ImageError(f"X must hold paths, or two-dimensional uint8 images, and nothing else; got {kinds}")
    # One source per path, in the given order; a path may come twice, as in a bootstrap sample.
    unique = {_identity(p): os.fspath(p) for p in prints}
    found = find_prints(list(unique.values()), layout=layout) if unique else []
    known: dict[tuple[str, str], Item] = {_identity(s.path): s for s in found}
    if missing := [path for name, path in unique.items() if name not in known]:
        raise ImageError(f"X must hold image files, one print each; {missing[0]!r} is none")
    return [known[_identity(p)] for p in prints]


def _identity(path: Any) -> tuple[str, str]:
    folder, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a linked file
    return os.path.realpath(folder), name

"""The mixed model instead of permutations: prints, with people as a random and fingers as a fixed effect."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from scipy import stats

from ridgefeat.compare.effects import TAILS, Float, Interval
from ridgefeat.compare.people import People
from ridgefeat.errors import ParameterError
from ridgefeat.files import first_line


def fit_mixed(people: People, wanted: Sequence[bool]) -> tuple[Float, tuple[Float, Interval] | None, list[str]]:
    """Return each column's p value (Wald), its difference with interval (None for several levels), and why it failed.

    Only the `wanted` columns are fitted; the others are NaN. Raises ParameterError if statsmodels is not installed.
    """
    try:
        from statsmodels.regression.mixed_linear_model import MixedLM
    except ImportError:
        raise ParameterError(
            "the mixed model needs statsmodels: pip install 'ridgefeat[mixed]'; or leave out --model mixed"
        ) from None
    label = people.label[people.person]
    count = max(1, len(people.levels) - 1)
    # The first level less the second, as everywhere: the second is what the others are compared with.
    others = [k for k in range(len(people.levels)) if k != 1]
    effect = np.stack([label == k for k in others], axis=1) if people.levels else label[:, None]
    fingers = np.arange(max(1, len(people.fingers)))
    fixed = np.concatenate([effect, people.finger[:, None] == fingers], axis=1).astype(np.float64)
    p, estimate, error = (np.full(len(people.columns), np.nan) for _ in range(3))
    notes = [""] * len(people.columns)
    for k in np.flatnonzero(wanted):
        y = people.prints[:, k].astype(np.float64)
        rows = np.isfinite(y)
        scale = y[rows].std()
        used = fixed[rows][:, fixed[rows].any(axis=0)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                fit = MixedLM((y[rows] - y[rows].mean()) / scale, used, groups=people.person[rows]).fit(reml=True)
            except (np.linalg.LinAlgError, ValueError) as failure:
                notes[k] = f"the mixed model could not be fitted: {first_line(failure)}"
                continue
        if not fit.converged:
            notes[k] = "the mixed model did not converge"
            continue
        beta, cov = fit.fe_params[:count], np.asarray(fit.cov_params())[:count, :count]
        p[k] = stats.chi2.sf(beta @ np.linalg.solve(cov, beta), count)
        estimate[k], error[k] = scale * beta[0], scale * np.sqrt(cov[0, 0])
    if len(people.levels) > 2:
        return p, None, notes
    reach = stats.norm.ppf(TAILS[0]) * error
    return p, (estimate, (estimate - reach, estimate + reach)), notes

"""The standard error of every value: fitted to repeated impressions, and its coverage on people and sensors left out.

    python benchmarks/errors.py [--jobs 2]

se = s exp(a (quality_score - q0) + b ln(ridge_area / a0)). The exponents a, b of a family are fitted to FCJ2020 and to
simulated impressions of known noise by quantile regression (0.95) of the differences of two impressions; the deviation
s of a column so that 95 % of FCJ2020's differences lie within 1.96 sqrt(se1² + se2²), and wider by what people who were
left out of that need; the factor for an unknown sensor by family so that this holds on five other sensors (FVC2002 DB1
to DB4, FVC2004 DB1). Coverage: on FCJ2020 with each person left out of everything, on FVC2002 with each database left
out of the factor. Needs the sets below RIDGEFEAT_DATA or .data/. Writes benchmarks/results/errors.md and
ridgefeat/measurement_error.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import warnings
from dataclasses import dataclass

from _common import ROOT, WRONG_LABELS, need, report, table  # isort: skip

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize

from ridgefeat.features import select
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.reliability import ERROR_DATA
from ridgefeat.sources import find_prints, load_print
from ridgefeat.synth import make_subjects

LEVEL, Z = 0.95, 1.96
Q0, A0 = 75.0, 1.75
"""Quality and area (cm²) at which deviations are given: about FCJ2020's medians."""
NAMES = [c.name for family in select() for c in family.all_columns()]
FAMILY = np.array([name.partition("_")[0] for name in NAMES])
FAMILIES = list(dict.fromkeys(FAMILY.tolist()))
SIMULATED = {"n": 20, "seed": 7, "fingers": 4, "impressions": 5}


@dataclass
class Repeats:
    """Pairs of impressions: |difference| by column, and quality and area of both, with whose they are."""

    difference: np.ndarray
    quality: np.ndarray
    area: np.ndarray
    owner: np.ndarray
    sensor: np.ndarray

    def __getitem__(self, rows):
        return Repeats(*(v[rows] for v in vars(self).values()))

    def weights(self, exponents):
        """Return what s is multiplied with for the standard error of the difference."""
        a, b = exponents
        return np.exp(a * (self.quality - Q0) + b * np.log(self.area / A0)).__pow__(2).sum(1) ** 0.5


def computed(fp):
    return np.concatenate([family.compute(fp) for family in select()])


def of_file(source):
    loaded = load_print(source)
    return computed(Fingerprint(loaded.pixels, (loaded.dpi_x, loaded.dpi_y)))


def pair_up(values, fingers, owners, sensors):
    pairs = [p for f in np.unique(fingers) for p in itertools.combinations(np.flatnonzero(fingers == f), 2)]
    i, j = np.array(pairs).T
    x = np.stack(values).astype(float)
    quality, area = (x[:, NAMES.index(name)] for name in ("quality_score", "ridge_area"))
    both = [np.stack([v[i], v[j]], 1) for v in (quality, area)]
    return Repeats(np.abs(x[i] - x[j]), *both, np.array(owners)[i], np.array(sensors)[i])


def real(name, jobs):
    sources = [s for s in find_prints([need(name)]) if name != "FCJ2020" or s.path.stem not in WRONG_LABELS]
    values = Parallel(jobs)(delayed(of_file)(s) for s in sources)
    owners = [str(s.labels["subject"]) for s in sources]
    fingers = [f"{o}-{s.labels.get('finger_id')}" for o, s in zip(owners, sources, strict=True)]
    sensors = [f"{name} {s.relative.split('/')[0]}" for s in sources]
    return pair_up(values, np.array(fingers), owners, sensors)


def simulated(jobs):
    prints = list(make_subjects(**SIMULATED))
    values = Parallel(jobs)(delayed(computed)(Fingerprint(p.print.image, 500)) for p in prints)
    fingers = np.array([f"{p.subject}-{p.hand}-{p.finger}" for p in prints])
    return pair_up(values, fingers, [p.subject for p in prints], ["simulated"] * len(prints))


def fit_exponents(sets, family):
    """Return a and b: those with the smallest pinball loss of the differences about their 95 % quantiles."""
    parts = []
    for one in sets:
        d = one.difference[:, family == FAMILY]
        usual = np.nanquantile(d, LEVEL, axis=0)
        parts.append((one, d[:, usual > 0] / usual[usual > 0]))

    def loss(exponents):
        total = 0.0
        for one, d in parts:
            w = one.weights(exponents)[:, None]
            off = d - np.nanquantile(d / w, LEVEL, axis=0) * w
            total += np.nanmean(np.maximum(LEVEL * off, (LEVEL - 1) * off))
        return total

    simplex = [[0, 0], [-0.02, 0], [0, -0.5]]
    found = minimize(loss, [0, 0], method="Nelder-Mead", options={"initial_simplex": simplex, "fatol": 1e-6})
    return found.x


def relative(one, exponents):
    """Return differences over what s is multiplied with."""
    out = np.empty_like(one.difference)
    for family, e in exponents.items():
        at = family == FAMILY
        out[:, at] = one.difference[:, at] / one.weights(e)[:, None]
    return out


def fit_deviations(one, exponents):
    """Return s by column, made wider by family by what people who are left out need."""
    d = relative(one, exponents) / Z
    s = np.nanquantile(d, LEVEL, axis=0)
    held_out = np.full(d.shape, np.nan)
    for who in np.unique(one.owner):
        rest = one.owner != who
        held_out[~rest] = d[~rest] / np.where((t := np.nanquantile(d[rest], LEVEL, axis=0)) > 0, t, np.nan)
    for family in FAMILIES:
        at = family == FAMILY
        s[at] *= np.nanquantile(held_out[:, at], LEVEL)
    return s


def fit(known, made):
    exponents = {family: fit_exponents([known, made], family) for family in FAMILIES}
    return exponents, fit_deviations(known, exponents)


def fit_widening(others, exponents, s):
    """Return by family the factor for 95 % coverage, every sensor counted alike."""
    found = {}
    for family in FAMILIES:
        at = (family == FAMILY) & (s > 0)
        shares = []
        for one in others:
            ratio = relative(one, exponents)[:, at] / (Z * s[at])
            shares.append(np.sort(ratio[np.isfinite(ratio)]))
        grid = np.linspace(1, 4, 301)
        covered = np.mean([np.searchsorted(r, grid, "right") / len(r) for r in shares], axis=0)
        found[family] = float(grid[np.searchsorted(covered, LEVEL)])
    return found


def inside(one, exponents, s, widening=None):
    """Return whether each difference lies in its interval, NaN where it is missing."""
    wider = np.array([(widening or {}).get(family, 1.0) for family in FAMILY])
    d = relative(one, exponents)
    return np.where(np.isfinite(d) & np.isfinite(s), d <= Z * s * wider * (1 + 1e-6), np.nan)


def coverage_rows(one, covered):
    worse = one.quality.min(1)
    third = np.searchsorted(np.quantile(worse, [1 / 3, 2 / 3]), worse)
    rows = []
    for family in FAMILIES:
        part = covered[:, family == FAMILY]
        cells = [100 * np.nanmean(part[third == k]) for k in range(3)]
        by_column = 100 * np.nanmean(part, axis=0)
        spread = np.nanquantile(by_column, [0.05, 0.95])
        rows.append(
            [family, part.shape[1], f"{100 * np.nanmean(part):.1f}", *(f"{c:.1f}" for c in cells)]
            + [f"{spread[0]:.0f} to {spread[1]:.0f}"]
        )
    return rows


HEAD = ["family", "columns", "all", "poor third", "middle third", "good third", "columns, 5 to 95 %"]


def count_outside(rows):
    cells = [float(c) for row in rows for c in row[3:6]]
    return sum(not 93 <= c <= 97 for c in cells), len(cells), min(cells), max(cells)


def in_words(rows):
    outside, of, low, high = count_outside(rows)
    return f"{of - outside} of {of} cells by family and third lie within 93 to 97 % ({low:.1f} to {high:.1f})."


def main() -> None:
    warnings.filterwarnings("ignore", "All-NaN slice|Mean of empty", RuntimeWarning)
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=2)
    jobs = parser.parse_args().jobs
    known, made = real("FCJ2020", jobs), simulated(jobs)
    fvc = real("FVC2002", jobs)
    sensors = np.unique(fvc.sensor)
    others = {sensor: fvc[fvc.sensor == sensor] for sensor in sensors} | {"FVC2004 DB1_B": real("FVC2004", jobs)}
    exponents, s = fit(known, made)
    widening = fit_widening(list(others.values()), exponents, s)

    def without(who):
        rest = known.owner != who
        return np.flatnonzero(~rest), inside(known[~rest], *fit(known[rest], made))

    left_out = np.full(known.difference.shape, np.nan)
    for rows, covered in Parallel(jobs)(delayed(without)(who) for who in np.unique(known.owner)):
        left_out[rows] = covered
    on_fvc, by_sensor = np.full(fvc.difference.shape, np.nan), []
    for sensor, one in others.items():
        factor = fit_widening([o for name, o in others.items() if name != sensor], exponents, s)
        covered = inside(one, exponents, s, factor)
        by_sensor.append(
            [sensor, len(covered), *(f"{100 * np.nanmean(covered[:, family == FAMILY]):.1f}" for family in FAMILIES)]
        )
        if sensor in sensors:
            on_fvc[fvc.sensor == sensor] = covered
    own = [[f, *(f"{v:.3g}" for v in exponents[f]), f"{widening[f]:.2f}"] for f in FAMILIES]
    spread = np.nanquantile(known.difference, [0.5, LEVEL], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        heavy = np.nanmean(spread[1] / spread[0] > 1.5 * Z / 0.6745)
    half = 100 * np.nanmean(inside(known, exponents, s / 2)[:, s > 0])
    fcj_rows, fvc_rows = coverage_rows(known, left_out), coverage_rows(fvc, on_fvc)
    held = {
        "quality": Q0,
        "area": A0,
        "exponents": {f: [float(f"{v:.4g}") for v in exponents[f]] for f in FAMILIES},
        "widening": {f: round(widening[f], 2) for f in FAMILIES},
        "deviations": {n: float(f"{v:.4g}") for n, v in zip(NAMES, s, strict=True) if np.isfinite(v)},
    }
    (ROOT / "ridgefeat" / ERROR_DATA).write_text(json.dumps(held, separators=(",", ":")) + "\n", encoding="utf-8")
    report(
        "errors",
        "The standard error of every value",
        [
            "`extract --errors` gives each value a standard error, se = s exp(a (quality - 75) + b ln(area / "
            "1.75)), area in cm², s by column, a and b by family. The test: of the differences of two impressions "
            "of one finger, how many per cent lie within 1.96 sqrt(se1² + se2²)? The model promises 95; 93 to 97 "
            "was the target. s is a scaled quantile, no root mean square, since differences have heavier tails than"
            f" a normal distribution in {100 * heavy:.0f} % of columns (95 % quantile / median more than 1.5 times "
            f"the normal's). So it is the 95 % interval that holds; half of it covers {half:.0f} % (of a normal "
            "distribution: 67).",
            "## FCJ2020, people left out",
            f"{len(known.owner)} pairs, {len(np.unique(known.owner))} people; exponents and deviations fitted without "
            f"the person. {in_words(fcj_rows)} Thirds are by the worse quality of a pair.",
            table(HEAD, fcj_rows),
            "## FVC2002, an unknown sensor",
            f"{len(fvc.owner)} pairs of 40 fingers. Exponents and deviations are FCJ2020's; the widening factor of "
            f"each database is from the other three and FVC2004 DB1. {in_words(fvc_rows)}",
            table(HEAD, fvc_rows),
            "By sensor, each left out of the factor: one factor does not fit all sensors, so measure your own "
            "(`ridgefeat reliability`).",
            table(["sensor", "pairs", *FAMILIES], by_sensor),
            "## The model",
            "Per point of `quality_score`, per ln of area, and the factor for an unknown sensor (fitted on all five).",
            table(["family", "a", "b", "widening"], own),
            f"Simulated impressions, for the exponents: {SIMULATED['n']} people, {SIMULATED['fingers']} fingers, "
            f"{SIMULATED['impressions']} impressions. Nothing was chosen on the people or databases that are reported, "
            "but for the form of the model: quantile regression replaced a fit of the mean after a look at FCJ2020's "
            "thirds, and factors by family one factor for all after a look at FVC2002.",
        ],
    )


if __name__ == "__main__":
    main()

"""Responses of a bank of Gabor filters, by orientation and wavelength."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ridgefeat.features import zones
from ridgefeat.features.explanation import Column
from ridgefeat.features.family import Family, share
from ridgefeat.features.layers import Bars, Field, Layer, Matrix, bars_of, zone_frames
from ridgefeat.stages.gabor import GaborParams, centres
from ridgefeat.stages.grid import CELL, at_cells
from ridgefeat.structure import MM_PER_PX, Float

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

DAUGMAN = "Daugman 1988; Jain, Farrokhnia 1991"
FINGERCODE = "Jain, Prabhakar, Hong, Pankanti 2000"
ORIENTATIONS = 8
WAVELENGTHS = (0.25, 0.35, 0.45, 0.57, 0.75)
"""mm; the bank is interpolated to these, whatever wavelengths it was computed at."""

gabor = Family("gabor", "Gabor responses by orientation and wavelength: mean, deviation, energy; whole and zones.")


@lru_cache(maxsize=4)
def _readout(params: GaborParams) -> Float:
    """Return the matrix from the bank's responses to those at WAVELENGTHS and ORIENTATIONS, linear between filters."""
    wavelengths, orientations = centres(params)
    by_wavelength = _interpolation(np.log(wavelengths * MM_PER_PX), np.log(WAVELENGTHS))
    n = orientations.size
    # A bank has at least 8 orientations, so that none of these lies beyond its last one.
    around = _interpolation(np.arange(n), np.arange(ORIENTATIONS) * (n / ORIENTATIONS))
    return np.kron(by_wavelength, around).astype(np.float32)


def _interpolation(at: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the matrix that interpolates linearly from values at `at` to values at `wanted`."""
    return np.stack([np.interp(wanted, at, unit) for unit in np.eye(len(at))], 1)


_LENGTHS = {f"w{round(100 * w):03d}": f"{w:g} mm" for w in WAVELENGTHS}
_ANGLES = [180 * k / ORIENTATIONS for k in range(ORIENTATIONS)]
_FILTERS = [
    (f"gabor_{w}_a{angle:05.1f}".replace(".", "d"), f"{mm}, {angle:g} degrees")
    for w, mm in _LENGTHS.items()
    for angle in _ANGLES
]
_PARTS = _LENGTHS | {f"a{int(angle):03d}": f"{int(angle)} degrees" for angle in _ANGLES[::2]}
"""What has its energy given by zone: wavelengths, and every other orientation."""


@gabor.columns(
    *(Column(f"{n}_mean", "sd", 0, 10, f"mean envelope of the response at {t}", DAUGMAN) for n, t in _FILTERS),
    *(Column(f"{n}_sd", "sd", 0, 10, f"deviation of the envelope at {t}", DAUGMAN) for n, t in _FILTERS),
    *(share(f"gabor_{w}_energy", f"share of the bank's energy at {mm}") for w, mm in _LENGTHS.items()),
    Column("gabor_energy", "sd²", 0, 100, "energy of the whole bank per point of the print"),
    Column("gabor_wavelength_centroid", "mm", 0.1, 1.5, "energy-weighted mean wavelength (logarithmic)"),
    Column("gabor_wavelength_spread", "", 0, 2, "energy-weighted deviation of log wavelength"),
    share("gabor_anisotropy_mean", "concentration of the energy in one orientation at a point: 1 one alone"),
    share("gabor_anisotropy_sd", "its spread over the print"),
    *(
        Column(f"gabor_{z}_{part}_energy", "sd²", 0, 100, f"mean energy at {what} in {where}", FINGERCODE)
        for part, what in _PARTS.items()
        for z, where in zones.zone_names().items()
    ),
)
def responses(fp: Fingerprint) -> Sequence[float] | None:
    """Summarise the responses over the whole print, and their energy in each zone of the bounding box's 4 x 4.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import grating
    >>> names = [column.name for column in gabor.all_columns()]
    >>> found = dict(zip(names, responses(Fingerprint(grating((161, 161), 9.0).image)), strict=True))
    >>> round(float(found["gabor_wavelength_centroid"]), 2)  # mm; 9 px are 0.46
    0.46
    """
    y, x = np.nonzero(at_cells(fp.mask))
    if not x.size:
        return None
    at_points = _at_points(fp, y, x)
    zone = zones.zone_numbers(fp, CELL * x + CELL // 2, CELL * y + CELL // 2)
    return [*_whole(at_points), *_by_zone(at_points, zone)]


def _at_points(fp: Fingerprint, y: np.ndarray, x: np.ndarray) -> Float:
    """Return the responses in cells by wavelength, orientation and point."""
    bank = fp.gabor.magnitude
    inside = bank.reshape(-1, bank.shape[2] * bank.shape[3]).take(y * bank.shape[3] + x, axis=1)
    return np.asarray((_readout(fp.params.gabor) @ inside).reshape(len(WAVELENGTHS), ORIENTATIONS, -1))


@gabor.picture_of(responses)
def _response_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    y, x = np.nonzero(at_cells(fp.mask))
    found = _at_points(fp, y, x)
    energy = np.square(found)
    w = next((i for i, n in enumerate(_LENGTHS) if f"_{n}" in name), None)
    turn = re.search(r"_a(\d{3})", name)
    a = None if turn is None else round(int(turn[1]) * ORIENTATIONS / 180)
    zone = re.search(r"_r\dc\d_", name)
    at = "" if w is None else f" at {WAVELENGTHS[w]:g} mm"
    at += "" if a is None else f" at {_ANGLES[a]:g}°"
    if w is not None and a is not None:
        shown, what = found[w, a], f"response{at}, sd"
    elif "anisotropy" in name:
        shown, what = _anisotropy(energy), "concentration of the energy in one orientation"
    elif "wavelength" in name:
        shown, what = np.exp(np.einsum("wap,w->p", energy, np.log(WAVELENGTHS)) / energy.sum((0, 1))), "wavelength, mm"
    else:
        shown, what = energy[slice(None) if w is None else [w]][:, slice(None) if a is None else [a]].sum((0, 1)), ""
    rows, columns = fp.gabor.magnitude.shape[2:]
    cells = np.full((rows, columns), np.nan, np.float32)
    cells[y, x] = shown
    box = slice(0, CELL * rows), slice(0, CELL * columns)
    yield Field(cells, what or f"energy{at}, sd²", box=box)
    if zone:
        yield zone_frames(fp, name)
        yield "the zone holds no part of the print"
    elif w is not None and a is not None:
        how = name.rpartition("_")[2]
        bank = (found.mean if how == "mean" else found.std)(2)
        lengths, angles = [f"{v:g} mm" for v in WAVELENGTHS], [f"{v:g}°" for v in _ANGLES]
        yield Matrix(bank, lengths, angles, f"{'mean' if how == 'mean' else 'deviation'} over the print, sd", (w, a))
    elif name != "gabor_energy" and "anisotropy" not in name:
        bars = bars_of(values, r"gabor_w(\d+)_energy", "share of the energy by wavelength, mm", name)
        yield Bars([f"{v:g}" for v in WAVELENGTHS], bars.numbers, bars.name, bars.chosen)


def _anisotropy(energy: Float) -> np.ndarray:
    """Return the concentration of the energy in one orientation at each point."""
    at_point = energy.sum(0, dtype=np.float64)
    doubled = np.exp(2j * np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS)
    return np.asarray(np.abs(doubled @ at_point) / (at_point.sum(0) + 1e-12))


def _whole(responses: Float) -> list[float]:
    mean, sd = responses.mean(2), responses.std(2)
    energy = np.square(responses, dtype=np.float64)
    by_wavelength = energy.sum((1, 2))
    total = by_wavelength.sum() + 1e-12
    shares = by_wavelength / total
    log = np.log(WAVELENGTHS)
    centroid = (shares * log).sum()
    spread = np.sqrt((shares * (log - centroid) ** 2).sum())
    anisotropy = _anisotropy(energy)
    tail = [total / responses.shape[2], np.exp(centroid), spread, anisotropy.mean(), anisotropy.std()]
    return [*mean.ravel(), *sd.ravel(), *shares, *tail]


def _by_zone(responses: Float, zone: np.ndarray) -> list[float]:
    energy = np.square(responses)
    maps = np.concatenate([energy.sum(1), energy.sum(0)[::2]])
    membership = (zone[:, None] == np.arange(zones.ZONES**2)).astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        return list((maps @ (membership / membership.sum(0))).ravel())

"""Quality: how well the ridges can be read.

NFIQ 2's measures (Tabassi et al. 2021, NISTIR 8382; ISO/IEC 29794-4) are computed as NIST does, on the print at 500 dpi
without its white frame and with NFIQ 2's own foreground; benchmarks/quality_nfiq2.py compares them with NIST's values.
Measures of minutiae use this package's minutiae, not those of FingerJet FX. The rest is our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ridgefeat.features.explanation import Column
from ridgefeat.features.family import Family, share
from ridgefeat.features.layers import Area, Field, Frames, Histogram, Layer, Marks, inside
from ridgefeat.features.quality import nfiq2
from ridgefeat.features.quality.blocks import (
    BLOCK,
    block_means,
    block_tensor,
    blocks_around,
    inner_blocks,
    without_frame,
)
from ridgefeat.features.quality.score import SCORE, score_parts
from ridgefeat.features.zones import once_per_print
from ridgefeat.structure import MM_PER_PX, Bool, Float, UInt8

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

NFIQ2 = "Tabassi et al. 2021"
CENTRE_PX = 100
"""Half side of the square around the minutiae's centre in which NFIQ 2 counts them."""
LOCAL_MEAN_PX = 17
"""Side of the box that gives the local mean grey level: about two ridge periods."""
CALM_BLOCK, CALM_BOX = 16, 7
"""Sides of the blocks whose noise is compared, and of the box whose mean counts as free of noise, pixels at 500 dpi."""
_SLOPE = np.array([[-0.5, 0, 0.5]], np.float32)

quality = Family("quality", "How well the ridges can be read: NFIQ 2's measures, contrast, area and sharpness.")


@once_per_print
def _framed(fp: Fingerprint) -> tuple[UInt8, int, int]:
    return without_frame(fp.image)


def _histogram(name: str, what: str, unit: str, high: float) -> list[Column]:
    """Return the columns of nfiq2.summary."""
    inner = [f"{limit:g}" for limit in nfiq2.BINS[name]]
    between = [f"from {low} and below {limit}" for low, limit in pairwise(inner)]
    limits = [f"below {inner[0]}", *between, f"from {inner[-1]}"]
    return [
        *(
            Column(f"quality_{name}_bin{i}", unit, 0, 1e6, f"number of {what}, {s}", NFIQ2)
            for i, s in enumerate(limits)
        ),
        Column(f"quality_{name}_mean", "", 0, high, f"mean of {what}", NFIQ2),
        Column(f"quality_{name}_std", "", 0, high, f"standard deviation of {what}", NFIQ2),
    ]


@quality.columns(
    Column("quality_mu", "grey levels", 0, 255, "mean grey level (NFIQ 2's Mu)", NFIQ2),
    Column("quality_mmb", "grey levels", 0, 255, "mean of the means of 32 px blocks (NFIQ 2's MMB)", NFIQ2),
    Column("quality_sigma", "grey levels", 0, 128, "standard deviation of the grey levels", NFIQ2),
)
def contrast(fp: Fingerprint) -> Sequence[float]:
    """Return the grey level and its spread over the image without its white frame.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import grating
    >>> mean, _, deviation = contrast(Fingerprint(grating((198, 198), 9.0, contrast=0.5).image))
    >>> round(mean), round(deviation)  # a sine's deviation is its amplitude, 64, over sqrt(2)
    (128, 45)
    """
    image = _framed(fp)[0]
    mean, deviation = cv2.meanStdDev(image)
    return [mean[0, 0], block_means(image).mean(dtype=float), deviation[0, 0]]


@quality.picture_of(contrast)
def _contrast_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    image, left, top = _framed(fp)
    grey = block_means(image) if name == "quality_mmb" else image
    what = f"grey level{' of 32 px blocks' if name == 'quality_mmb' else ''}"
    yield _blocks(grey, what, left, top, BLOCK if name == "quality_mmb" else 1, 255)
    yield Histogram(grey, what, mark=None if name == "quality_sigma" else values[name])


@once_per_print
def _departures(fp: Fingerprint) -> Float:
    """Return each block's noise, as the deviation of white noise that departs as much from the mean of its box."""
    image = fp.image
    rows, columns = (n // CALM_BLOCK for n in image.shape)
    if not rows or not columns:
        return np.zeros((0, 0), np.float32)
    departs = cv2.absdiff(image.astype(np.float32), cv2.boxFilter(image, cv2.CV_32F, (CALM_BOX, CALM_BOX)))
    whole = departs[: rows * CALM_BLOCK, : columns * CALM_BLOCK]
    means = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    # The mean size of a normal deviate is sqrt(2 / pi) of its deviation; the box's mean holds the pixel itself.
    return np.asarray(means * np.sqrt(np.pi / 2 / (1 - CALM_BOX**-2)), np.float32)


@quality.columns(
    Column("quality_noise", "grey levels", 0, 255, "noise: deviation of the grey levels in the calmest block of 16 px")
)
def noise(fp: Fingerprint) -> Sequence[float] | None:
    """Return the noise of the image at 500 dpi, measured where it has least structure, mostly around the print.

    The calmest of many blocks has 10 to 20 % less noise than all have on average, and half of the noise around white
    is cut off. Prints of real sensors have 0 to 3 grey levels.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> grey = np.random.default_rng(0).normal(128, 20, (320, 320)).round().astype(np.uint8)
    >>> round(noise(Fingerprint(grey))[0])
    17
    """
    departures = _departures(fp)
    return [departures.min()] if departures.size else None


@quality.picture_of(noise)
def _noise_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    departures = _departures(fp)
    if departures.size:
        calm = np.where(departures <= values[name], departures, np.nan)
        yield _blocks(calm, "noise of the calmest block", 0, 0, CALM_BLOCK, 255)
        yield Histogram(departures, "noise of 16 px blocks", 64, values[name])
    yield "the image is smaller than a block"


def _blocks(values: np.ndarray, name: str, left: float, top: float, side: int = BLOCK, high: float = 1) -> Field:
    """Return values of blocks, or of pixels, that begin at a corner."""
    rows, columns = (slice(int(at), int(at) + side * n) for at, n in zip((top, left), values.shape, strict=True))
    return Field(values, name, 0, high, (rows, columns), "greys" if high == 255 else "values")


@quality.columns(
    *_histogram("ocl", "orientation certainty levels (OCL) of 32 px blocks", "blocks", 1),
    Column("quality_roi_mean", "grey levels", 0, 255, "mean grey level in NFIQ 2's region of interest", NFIQ2),
    Column("quality_coherence_sum", "blocks", 0, 1e6, "sum of gradient coherence over that region's blocks", NFIQ2),
    Column("quality_coherence_roi", "", 0, 1, "mean gradient coherence over that region's blocks", NFIQ2),
)
def certainty(fp: Fingerprint) -> np.ndarray:
    """Return how far the gradients of each block agree on one orientation."""
    image = _framed(fp)[0]
    tensor = block_tensor(image)
    ocl = tensor.certainty[: image.shape[0] // BLOCK, : image.shape[1] // BLOCK]
    region = nfiq2.region_of_interest(image)
    ocl = ocl[np.isfinite(ocl)]
    if not region.any():
        return np.append(nfiq2.summary("ocl", ocl), [np.nan] * 3)
    coherence = tensor.coherence[block_means(region.view(np.uint8)) > 0]
    found = [cv2.mean(image, region.view(np.uint8))[0], coherence.sum(dtype=float), coherence.mean(dtype=float)]
    return np.append(nfiq2.summary("ocl", ocl), found)


@quality.picture_of(certainty)
def _certainty_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    image, left, top = _framed(fp)
    tensor = block_tensor(image)
    if "ocl" in name:
        ocl = tensor.certainty[: image.shape[0] // BLOCK, : image.shape[1] // BLOCK]
        yield _blocks(ocl, "orientation certainty of 32 px blocks", left, top)
        yield _binned("ocl", ocl, "orientation certainty", values, name)
        yield "the image is smaller than a block of 32 px"
        return
    region = np.zeros(fp.mask.shape, bool)
    region[top : top + image.shape[0], left : left + image.shape[1]] = nfiq2.region_of_interest(image)
    if "coherence" in name:
        yield _blocks(tensor.coherence, "gradient coherence of 32 px blocks", left, top)
    else:
        yield Histogram(fp.image[region], "grey level in the region of interest", mark=values[name])
    yield Area(region, "NFIQ 2's region of interest")
    yield "NFIQ 2 sees no region of interest"


def _binned(measure: str, found: np.ndarray, what: str, values: Mapping[str, float], name: str) -> Histogram:
    """Return a histogram in the bins of nfiq2.summary, those that are infinite cut at what there is."""
    found = found[np.isfinite(found)]
    inner = nfiq2.BINS[measure]
    low, high = min(found.min(initial=0), inner[0]), max(found.max(initial=0), inner[-1])
    edges = [low - (low == inner[0]) * 1e-3, *inner, high + (high == inner[-1]) * 1e-3]
    mark = values[name] if name.endswith("_mean") else None
    return Histogram(found, what, edges, mark, int(name[-1]) if "_bin" in name else None)


@quality.columns(
    *_histogram("fda", "frequency domain analysis (FDA) scores of foreground blocks", "blocks", 1),
    *_histogram("lcs", "local clarity scores (LCS) of foreground blocks", "blocks", 1),
    *_histogram("of", "orientation flow (OF) scores of foreground blocks", "blocks", 2.1),
    *_histogram("rvu", "ridge to valley width ratios (RVU) in foreground blocks", "ratios", 31),
)
def ridges(fp: Fingerprint) -> np.ndarray | None:
    """Return how wave-like, clear, smooth and even the ridges are in windows turned upright."""
    blocks = inner_blocks(_framed(fp)[0])
    if blocks is None or not blocks.inside.any():
        return None
    return np.concatenate([nfiq2.summary(name, measure(blocks)) for name, (measure, _) in _LOCAL.items()])


_LOCAL = {
    "fda": (nfiq2.frequency_domain, "frequency domain score"),
    "lcs": (nfiq2.local_clarity, "local clarity"),
    "of": (nfiq2.orientation_flow, "orientation flow score"),
    "rvu": (nfiq2.ridge_valley_uniformity, "ridge / valley width"),
}


@quality.picture_of(ridges)
def _local_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    image, left, top = _framed(fp)
    blocks = inner_blocks(image)
    if blocks is None or not blocks.inside.any():
        yield "no block of 32 px is foreground"
        return
    part = name.split("_")[1]
    measure, what = _LOCAL[part]
    found = measure(blocks)
    if part in ("fda", "lcs"):
        by_block = np.full(blocks.inside.shape, np.nan, np.float32)
        by_block[blocks.inside] = found
        yield _blocks(by_block, f"{what} of 32 px blocks", left + blocks.x[0, 0], top + blocks.y[0, 0])
    else:
        x, y = left + blocks.x[blocks.inside], top + blocks.y[blocks.inside]
        yield Frames(np.stack([x, y, *np.full((2, len(x)), BLOCK)], 1), chosen=range(len(x)))
    yield _binned(part, found, f"{what} (blocks in foreground)", values, name)
    yield "no block turns by 4 degrees or more against its neighbours"


@quality.columns(
    Column(
        "quality_minutiae_center",
        "minutiae",
        0,
        1e4,
        "number of minutiae in a square of 200 px (10.2 mm) around their centre of mass",
        NFIQ2,
    ),
    share(
        "quality_minutiae_mu",
        "share of minutiae in a block darker than the image by 0 to 0.5 of its standard deviation",
        NFIQ2,
    ),
    share("quality_minutiae_ocl", "share of minutiae with an orientation certainty above 0.8", NFIQ2),
)
def minutiae_based(fp: Fingerprint) -> Sequence[float]:
    """Return how many minutiae are central, and how good the print is around all of them."""
    if not len(fp.minutiae):
        return [0, np.nan, np.nan]
    x, y, near = fp.minutiae.x, fp.minutiae.y, _is_central(fp)
    image, left, top = _framed(fp)
    shares = _block_shares(image, x - left, y - top) if min(image.shape) >= BLOCK else (np.nan, np.nan)
    return [near.sum(), *shares]


def _is_central(fp: Fingerprint) -> Bool:
    x, y = fp.minutiae.x, fp.minutiae.y
    return (np.abs(x - x.mean()) <= CENTRE_PX) & (np.abs(y - y.mean()) <= CENTRE_PX)  # type: ignore[no-any-return]


@quality.picture_of(minutiae_based)
def _minutiae_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    m = fp.minutiae
    is_count = name == "quality_minutiae_center"
    yield Marks(m, _is_central(fp) if is_count and len(m) else None)
    if len(m):
        side = 2 * CENTRE_PX if is_count else BLOCK
        x, y = (np.array([m.x.mean()]), np.array([m.y.mean()])) if is_count else (m.x, m.y)
        corners = np.stack([x - side / 2, y - side / 2, *np.full((2, len(x)), side)], 1)
        yield Frames(corners, chosen=range(len(x)) if is_count else ())
    yield "no minutiae were found"


def _block_shares(image: UInt8, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    blocks = blocks_around(image, x, y)
    mean, deviation = (v[0, 0] for v in cv2.meanStdDev(image))
    darker = (mean - blocks.mean((1, 2))) / max(deviation, 1e-6)
    certain = np.nan_to_num(block_tensor(blocks.reshape(-1, BLOCK)).certainty)
    # NFIQ 2 compares rounded per cents, so that its 80 % begins at 80.5 %.
    return float(((darker > 0) & (darker <= 0.5)).mean()), float((certain >= 0.805).mean())


@quality.columns(
    Column("quality_area_share", "", 0, 1, "share of the image that the print covers"),
    Column("quality_area_cut", "", 0, 1, "share of the print's outline box that lies on the image's border"),
    Column("quality_coherence_mean", "", 0, 1, "mean coherence of the orientation field over the print"),
    Column("quality_coherence_poor", "", 0, 1, "share of the print with a coherence below 0.5"),
    Column("quality_period_known", "", 0, 1, "share of the print where the ridge period is known"),
)
def extent(fp: Fingerprint) -> Sequence[float] | None:
    """Return how much print there is and over how much of it ridges could be followed."""
    pixels = np.count_nonzero(fp.mask)
    if not pixels:
        return None
    mask = fp.mask
    edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    around = 2 * sum(cv2.boundingRect(mask.view(np.uint8))[2:])
    coherence = fp.orientation.coherence[mask]
    return [
        pixels / mask.size,
        np.count_nonzero(edge) / around,
        coherence.mean(),
        np.count_nonzero(coherence < 0.5) / pixels,
        np.count_nonzero(np.isfinite(fp.period) & mask) / pixels,
    ]


@quality.picture_of(extent)
def _extent_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    if "coherence" in name:
        coherence = inside(fp, fp.orientation.coherence, None if "mean" in name else fp.orientation.coherence < 0.5)
        yield Field(coherence, "coherence" if "mean" in name else "coherence below 0.5", 0, 1)
    elif "period" in name:
        yield Field(inside(fp, fp.period * MM_PER_PX), "ridge period, mm, where it is known")
    yield Area(fp.mask, "outline of the print")


@quality.columns(
    Column("quality_grey_mean", "grey levels", 0, 255, "mean grey level of the print: low when wet, high when dry"),
    Column("quality_grey_std", "grey levels", 0, 128, "standard deviation of the print's grey levels"),
    Column("quality_grey_p10", "grey levels", 0, 255, "grey level that a tenth of the print does not exceed"),
    Column("quality_grey_p90", "grey levels", 0, 255, "grey level that nine tenths of the print do not exceed"),
    Column("quality_grey_entropy", "bits", 0, 8, "entropy of the print's grey levels"),
    Column("quality_dark_share", "", 0, 1, "share of the print darker than midway between p10 and p90: wetness"),
    Column("quality_black_share", "", 0, 1, "share of the print at grey levels 0 to 4"),
    Column("quality_white_share", "", 0, 1, "share of the print at grey levels 251 to 255"),
    Column("quality_ridge_contrast", "grey levels", 0, 255, "standard deviation around the mean of 17 px (0.86 mm)"),
    Column("quality_ridge_sharpness", "1/mm", 0, 100, "root mean square gradient over that contrast"),
)
def tone(fp: Fingerprint) -> Sequence[float] | None:
    """Return grey levels, contrast and sharpness inside the print."""
    mask, image = fp.mask, fp.image
    pixels = np.count_nonzero(mask)
    if not pixels:
        return None
    weight = mask.view(np.uint8)
    shares = cv2.calcHist([image], [0], weight, [256], [0, 256]).ravel().astype(float) / pixels
    grey = np.arange(256)
    mean = shares @ grey
    # The tolerance keeps a cumulative sum of 0.9 that is a last bit short from counting as less.
    p10, p90 = np.searchsorted(np.cumsum(shares), (0.1 - 1e-9, 0.9 - 1e-9))
    some = shares[shares > 0]
    box = (LOCAL_MEAN_PX, LOCAL_MEAN_PX)
    ridges = cv2.subtract(image, cv2.blur(image, box, borderType=cv2.BORDER_REFLECT_101), dtype=cv2.CV_32F)
    contrast = cv2.meanStdDev(ridges, mask=weight)[1][0, 0]
    slopes = [cv2.norm(cv2.filter2D(image, cv2.CV_32F, k), cv2.NORM_L2SQR, weight) for k in (_SLOPE, _SLOPE.T)]
    sharpness = np.sqrt(sum(slopes) / pixels) / MM_PER_PX / contrast if contrast > 0 else np.nan
    deviation, entropy = np.sqrt(max(0.0, shares @ (grey - mean) ** 2)), -(some @ np.log2(some))
    dark, black, white = shares[grey < (p10 + p90) / 2].sum(), shares[:5].sum(), shares[251:].sum()
    return [mean, deviation, p10, p90, entropy, dark, black, white, contrast, sharpness]


@quality.picture_of(tone)
def _tone_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    grey = inside(fp, fp.image)
    limits = {"dark": (0, (values["quality_grey_p10"] + values["quality_grey_p90"]) / 2), "black": (0, 5)}
    low, high = (limits | {"white": (251, 256)}).get(name.split("_")[1], (0, 256))
    counted = (fp.image >= low) & (fp.image < high)
    yield Field(inside(fp, fp.image, counted), "grey level counted", 0, 255, colours="greys")
    yield Area(fp.mask, "outline of the print")
    is_level = name.endswith(("mean", "p10", "p90"))
    yield Histogram(grey, "grey level in the print", 64, values[name] if is_level else None)
    yield "the print has no contrast"


quality.sum_of_parts(SCORE)(score_parts)

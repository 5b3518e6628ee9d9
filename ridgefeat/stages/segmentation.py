"""Segmentation: where the print is."""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.stages.grid import CELL, FINE
from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.structure import MM_PER_PX, Bool, Float, GaborResponses, UInt8

CONTRAST_REACH = 0.8
SURE_REACH = 4.0
"""In cells."""
USUAL_REACH = 14.0
"""In px."""


@parameters
class SegmentationParams:
    """Parameters of segment."""

    seed_share: float = parameter(
        0.30,
        "",
        0.01,
        0.9,
        "variance that agreeing waves explain where ridges are sure; band noise reaches 0.33 here and there",
    )
    min_share: float = parameter(0.08, "", 0.01, 0.9, "the same share where ridges adjoin sure ones")
    sure_part: float = parameter(0.05, "", 0, 1, "least part of a piece where ridges are sure")
    contrast: float = parameter(
        0.12, "", 0.0, 1.0, "least local contrast, as a share of the print's own (90th percentile of ridge areas)"
    )
    falloff: float = parameter(0.5, "", 0, 1, "least local contrast, as a share of the largest within 16 px")
    min_contrast: float = parameter(3.0, "grey levels", 0.1, 64, "local deviation below which nothing is a ridge")
    closing: float = parameter(16.0, "px", 0, 64, "gaps up to this width are closed, lines below it opened")
    outline: float = parameter(0.5, "", 0, 1, "change of grey values at the outline, as a share of the usual about it")
    min_area: float = parameter(20.0, "mm²", 1, 500, "a print's smallest area")
    min_piece: float = parameter(0.25, "", 0.0, 1.0, "a further piece must be this large beside the largest one")


def segment(image: UInt8, gabor: GaborResponses, params: SegmentationParams | None = None) -> Bool:
    """Return where ridges are, without holes.

    A place belongs to the print if a large share of its grey-value variance is explained by waves of one orientation
    and ridge-like wavelength, and if its contrast is not far below the print's own. White noise spreads its variance
    over all orientations and wavelengths and is therefore no print, however strong.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns)
        500 dpi.
    gabor : GaborResponses
        Of the normalised image.
    params : SegmentationParams, optional

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        All False where no print is found.
    """
    p = params or SegmentationParams()
    contrast = local_contrast(image, gabor)
    share = ridge_share(gabor)
    sure = (common_share(gabor) > p.seed_share) & (contrast > p.min_contrast)
    if not sure.any():
        return np.zeros(image.shape, bool)
    ridges = (share > p.min_share) & (contrast > p.contrast * np.percentile(contrast[sure], 90))
    # Smoothing carries contrast over the print's outline; beside what stands next to it, that remainder is small.
    ridges &= contrast > p.falloff * cv2.dilate(contrast, np.ones((5, 5), np.uint8))
    _, labels = cv2.connectedComponents(ridges.view(np.uint8), connectivity=4)
    count = np.bincount(labels.ravel())
    surely = np.bincount(labels[sure], minlength=count.size)
    kept = surely >= np.maximum(p.sure_part * count, 1)
    kept[0] = False
    ridges = kept[labels]
    cells = _tidy(ridges, p)
    if not cells.any():
        return np.zeros(image.shape, bool)
    return _outlined(image, cells, p)


def ridge_share(gabor: GaborResponses) -> Float:
    """Return the share of the variance about each cell that the strongest wave explains."""
    share = gabor.magnitude.max((0, 1)) ** 2 / 2
    return np.asarray(cv2.GaussianBlur(share, (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE))


def common_share(gabor: GaborResponses) -> Float:
    """Return how much variance waves explain that agree on one orientation over some four ridges.

    Noise in the ridges' own band makes strong waves too, but neighbours among them disagree.
    """
    by_orientation = np.square(gabor.magnitude).sum(0) / 2
    doubled = np.exp(2j * gabor.orientations).astype(np.complex64)
    vector = np.tensordot(by_orientation, doubled, (0, 0)).view(np.float32).reshape(*by_orientation.shape[1:], 2)
    agreed = cv2.GaussianBlur(vector, (0, 0), SURE_REACH, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.hypot(agreed[..., 0], agreed[..., 1]))


def local_contrast(image: UInt8, gabor: GaborResponses) -> Float:
    """Return the deviation of grey values about each cell."""
    rows, columns = gabor.magnitude.shape[2:]
    below, right = CELL * rows - image.shape[0], CELL * columns - image.shape[1]
    grey = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE).astype(np.float32)
    # Means over cells, then over their neighbours: about two ridges, so that the outline stays where the print ends.
    small = columns, rows
    mean = cv2.GaussianBlur(cv2.resize(grey, small, interpolation=cv2.INTER_AREA), (0, 0), CONTRAST_REACH)
    square = cv2.GaussianBlur(cv2.resize(grey * grey, small, interpolation=cv2.INTER_AREA), (0, 0), CONTRAST_REACH)
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0)))


def _outlined(image: UInt8, cells: Bool, p: SegmentationParams) -> Bool:
    """Draw the outline where grey values cease to change, to about 4 px: responses reach further than ridges do."""
    rows, columns = image.shape
    height, width = 2 * cells.shape[0], 2 * cells.shape[1]
    padded = cv2.copyMakeBorder(image, 0, FINE * height - rows, 0, FINE * width - columns, cv2.BORDER_REPLICATE)
    half = cv2.resize(padded, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    gx, gy = cv2.Scharr(half, cv2.CV_32F, 1, 0), cv2.Scharr(half, cv2.CV_32F, 0, 1)
    change = cv2.resize(cv2.magnitude(gx, gy), (width, height), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(
        cv2.GaussianBlur(cells.astype(np.float32), (0, 0), 0.8), (width, height), interpolation=cv2.INTER_LINEAR
    )
    usual = cv2.GaussianBlur(change * coarse, (0, 0), USUAL_REACH / FINE)
    usual /= cv2.GaussianBlur(coarse, (0, 0), USUAL_REACH / FINE) + np.float32(1e-3)
    changing = cv2.GaussianBlur(change, (0, 0), 0.4) > p.outline * usual
    # Deep inside nothing is taken away, however smudged.
    deep = cv2.erode((coarse > 0.5).astype(np.uint8), _disc(32 // FINE)) > 0
    fine = _filled(_closed_opened((changing & (coarse > 0.3)) | deep, round(20 / FINE)))
    soft = cv2.GaussianBlur(fine.astype(np.float32), (0, 0), 1)
    full = cv2.resize(soft, (FINE * width, FINE * height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full[:rows, :columns] > 0.5)


def _tidy(ridges: Bool, p: SegmentationParams) -> Bool:
    cells = _closed_opened(ridges, max(1, round(p.closing / CELL)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cells, connectivity=4)
    if count < 2:
        return np.zeros(ridges.shape, bool)
    area = stats[:, cv2.CC_STAT_AREA] * (CELL * MM_PER_PX) ** 2
    area[0] = 0
    keep = (area >= p.min_area) & (area >= p.min_piece * area.max())
    return _filled(keep[labels])


def _disc(reach: int) -> UInt8:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)), np.uint8)


def _closed_opened(where: Bool, reach: int) -> UInt8:
    """Close gaps, then drop thin parts.

    Nothing is beyond the image when gaps are closed; when thin parts go, what touches the border goes on there.
    """
    inner = slice(reach, -reach), slice(reach, -reach)
    cells = cv2.copyMakeBorder(where.view(np.uint8), *(reach,) * 4, cv2.BORDER_CONSTANT, value=0)
    cells = cv2.morphologyEx(cells, cv2.MORPH_CLOSE, _disc(reach))[inner]
    cells = cv2.copyMakeBorder(cells, *(reach,) * 4, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(cv2.morphologyEx(cells, cv2.MORPH_OPEN, _disc(reach))[inner])


def _filled(where: Bool | UInt8) -> Bool:
    """Fill the holes."""
    outlines, _ = cv2.findContours(where.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros(where.shape, np.uint8), outlines, -1, 1, cv2.FILLED) > 0)

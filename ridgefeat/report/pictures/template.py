"""A template as the panel of minutiae draws it: its points on white, or on the image that it belongs to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ridgefeat.errors import TemplateError
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.structure import WORKING_DPI

if TYPE_CHECKING:
    from ridgefeat.templates import MinutiaeRecord

MARGIN = 16.0
"""Pixels at 500 dpi around minutiae whose image has no known size."""
MAX_SIDE = 3000.0
"""Pixels at 500 dpi, 15 cm."""


class TemplatePrint(Fingerprint):
    """A print with the minutiae and singular points of a template, without stages; its whole area is foreground."""

    @classmethod
    def make(cls, record: MinutiaeRecord, image: Fingerprint | None = None, *, source: str = "") -> TemplatePrint:
        """Return a template's points on its image, or else on white: of the size that it gives, or that they span.

        Raises TemplateError if they lie outside the image or span more than 15 cm, ImageError if the size that it gives
        is too large for a print.
        """
        points, singular = record.minutiae, record.singular_points
        x, y = np.concatenate([points.x, singular.x]), np.concatenate([points.y, singular.y])
        dpi = record.dpi_x, record.dpi_y
        if image is not None:
            original, dpi = image.original, (image.dpi_x, image.dpi_y)
        elif record.width and record.height:
            original = np.broadcast_to(np.uint8(255), (record.height, record.width))
        else:
            # .xyt counts from the bottom of an image of unknown height: what is negative is shifted into the picture.
            left, top = (min(0.0, float(a.min(initial=0)) - MARGIN * bool((a < 0).any())) for a in (x, y))
            right, bottom = (float(a.max(initial=0)) + MARGIN for a in (x, y))
            if max(right - left, bottom - top) > MAX_SIDE:
                raise TemplateError(f"{source}: its minutiae span more than {25.4 * MAX_SIDE / WORKING_DPI:.0f} mm")
            points = replace(points, x=points.x - np.float32(left), y=points.y - np.float32(top))
            singular = replace(singular, x=singular.x - np.float32(left), y=singular.y - np.float32(top))
            original = np.full((round(bottom - top), round(right - left)), 255, np.uint8)
            dpi = WORKING_DPI, WORKING_DPI
        fp = cls(original, dpi, source=source)
        rows, columns = fp.image.shape
        if image is not None and ((x < -1) | (y < -1) | (x > columns) | (y > rows)).any():
            raise TemplateError(f"{source}: minutiae lie outside the image; is it another print, or is its dpi wrong?")
        vars(fp).update(minutiae=points, singular_points=singular, mask=np.ones((rows, columns), bool), flags=())
        return fp

"""Slaps before their rows: every image that shows several fingers becomes one print per finger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ridgefeat.errors import RidgefeatError
from ridgefeat.sources import PrintSource
from ridgefeat.sources.source import Box, boxed
from ridgefeat.stages.fingers import SLAPS, name_fingers, position_code, split_fingers
from ridgefeat.structure import WORKING_DPI
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import open_print
from ridgefeat.work.engine import spread, using
from ridgefeat.work.guard import Limits, Stopped, close_all, guarded_map

TOUCHING = "touching_fingers"
"""Flag of a finger whose boundary with its neighbour is estimated."""
CHUNK = 8
PARAMS = ["segmentation.min_piece=0.1"]
"""A little finger may have less than a quarter of the thumb's area."""


def split_prints(
    items: Sequence[PrintSource],
    recipe: Recipe,
    *,
    jobs: int | None = None,
    engine: str | None = None,
    limits: Limits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[PrintSource]:
    """Return the prints with each image of several fingers replaced by its fingers, from left to right.

    Parameters
    ----------
    items : sequence of PrintSource
        Those with a label `finger` are of one finger, and stay as they are. So do those that cannot be read.
    recipe : Recipe
        How they are read and segmented.
    jobs, engine, limits
        As `write_table` takes them.
    progress : callable, optional
        Called with the number of images that were looked at, and of all.

    Returns
    -------
    list of PrintSource
        A finger has the image's labels, `hand` and `finger` where they are clear (else a `finger_id` such as "2 of 3"),
        and the flag touching_fingers where it joins its neighbour. Its name ends in the box that it takes in its
        image, as in slap.png#320x480+20+0.
    """
    from joblib import delayed

    asked = [k for k, item in enumerate(items) if "finger" not in item.labels and item.error is None]
    chunks = [[items[k] for k in asked[n : n + CHUNK]] for n in range(0, len(asked), CHUNK)]
    out = [[item] for item in items]
    with using(engine, jobs) as workers:
        calls = (delayed(_split_all)(chunk, recipe, limits) for chunk in chunks)
        backend = "threading" if limits else "loky"
        try:
            done = 0
            for made in spread(calls, workers, ordered=True, backend=backend):
                for fingers in made:
                    out[asked[done]] = fingers
                    done += 1
                if progress:
                    progress(done, len(asked))
        finally:
            close_all()
    return [item for fingers in out for item in fingers]


def _split_all(items: list[PrintSource], recipe: Recipe, limits: Limits | None) -> list[list[PrintSource]]:
    split = partial(_split, recipe)
    made = guarded_map(split, items, limits) if limits else map(split, items)
    # A print that takes too much is stopped again, with the reason, when its row is made.
    return [[item] if isinstance(f, Stopped) else f for item, f in zip(items, made, strict=True)]


def _split(recipe: Recipe, item: PrintSource) -> list[PrintSource]:
    try:
        fp = open_print(item, replace(recipe, mirror=None, params=recipe.params.updated(PARAMS)))
        fingers = split_fingers(fp.mask, is_slap=position_code(item.labels) in SLAPS)
    except (RidgefeatError, MemoryError):
        return [item]
    if len(fingers) < 2:
        return [item]
    out = []
    for number, (finger, named) in enumerate(zip(fingers, name_fingers(fingers, item.labels), strict=True), 1):
        # Fingers of one image are different fingers, even where it is not clear which.
        which = f"{item.labels.get('finger_id', '')} {number} of {len(fingers)}".strip()
        labels = item.labels | {"finger_id": which} | named
        if "finger" in named:  # as in the finger's other prints
            del labels["finger_id"]
        part = boxed(item, _in_original(finger.box, fp.dpi_x, fp.dpi_y, fp.original.shape))
        flags = item.flags + ((TOUCHING,) if finger.touching else ())
        out.append(replace(part, labels=labels, flags=flags))
    return out


def _in_original(box: Box, dpi_x: float, dpi_y: float, shape: tuple[int, ...]) -> Box:
    """Return a box in px at 500 dpi in the original's px."""
    x, y = dpi_x / WORKING_DPI, dpi_y / WORKING_DPI
    left, top = int(box[0] * x), int(box[1] * y)
    return left, top, min(round(box[2] * x), shape[1] - left), min(round(box[3] * y), shape[0] - top)

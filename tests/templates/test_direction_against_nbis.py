"""The direction convention, on real prints, compared with an independent implementation's minutiae."""

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree

from ridgefeat.fingerprint import Fingerprint
from tests.real_prints import real_prints

FILES = ("101_1.tif", "102_1.tif", "104_1.tif", "106_1.tif", "109_1.tif")


def found_by_nbis(nbis, path):
    settings = nbis.NbisExtractorSettings(
        min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=False, ppi=None
    )
    png = cv2.imencode(".png", cv2.imread(str(path), 0))[1].tobytes()
    minutiae = nbis.new_nbis_extractor(settings).extract_minutiae(png).get()
    kinds = np.array([1 if "ENDING" in str(m.kind()) else 2 for m in minutiae])
    return np.array([[m.x(), m.y()] for m in minutiae], float), np.array([m.angle() for m in minutiae]), kinds


@pytest.fixture(scope="module")
def differences():
    """Differences of direction in degrees, -180 to 180, of minutiae of the same kind that both found."""
    nbis = pytest.importorskip("nbis", reason="nbis-py is not installed (extra: peers)")
    rows = []
    for path in (real_prints("FVC2002/DB1_B") / name for name in FILES):
        xy, angle, kind = found_by_nbis(nbis, path)
        ours = Fingerprint(cv2.imread(str(path), 0), 500).minutiae
        distance, nearest = cKDTree(xy).query(np.column_stack([ours.x, ours.y]))
        both = (distance < 8) & (ours.kind == kind[nearest])
        rows.append((np.degrees(ours.direction[both]) - angle[nearest[both]] + 180) % 360 - 180)
    return np.concatenate(rows)


def test_directions_are_isos(differences):
    assert len(differences) >= 50
    assert np.mean(np.abs(differences) < 30) > 0.95
    assert np.median(np.abs(differences)) < 11.25

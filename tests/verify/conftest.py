"""Three simulated fingers with two impressions each: as files, fingerprints, templates and scores."""

import cv2
import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.structure import SingularPoints
from ridgefeat.synth import make_impression, make_master
from ridgefeat.templates import write_record, write_xyt
from ridgefeat.verify import prepare, template_from_print, verify

FINGERS, IMPRESSIONS, SHAPE = 3, 2, (320, 280)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Images with the names of FVC: 101_1.png to 103_2.png."""
    path = tmp_path_factory.mktemp("prints")
    for finger in range(FINGERS):
        master = make_master(rng=np.random.default_rng([5, finger]), shape=SHAPE)
        for i in range(IMPRESSIONS):
            rng = np.random.default_rng([5, finger, i])
            image = make_impression(master, rng=rng, noise_level=1, shape=SHAPE).image
            cv2.imwrite(str(path / f"{101 + finger}_{i + 1}.png"), image)
    return path


@pytest.fixture(scope="session")
def prints(folder):
    """The fingerprints by subject, such as ("101", fp)."""
    files = sorted(folder.iterdir())
    images = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in files]
    return [(f.name[:3], Fingerprint(i, 500)) for f, i in zip(files, images, strict=True)]


@pytest.fixture(scope="session")
def templates(prints):
    """The prepared templates by subject."""
    return [(subject, prepare(template_from_print(fp))) for subject, fp in prints]


@pytest.fixture(scope="session")
def foreign(prints, tmp_path_factory):
    """The same prints as templates of other systems: folders of ISO records and of .xyt files."""
    iso, xyt = tmp_path_factory.mktemp("iso"), tmp_path_factory.mktemp("xyt")
    for k, (subject, fp) in enumerate(prints):
        height, width = fp.original.shape
        name, dpi = f"{subject}_{1 + k % IMPRESSIONS}", {"dpi_x": 500, "dpi_y": 500}
        write_record(iso / f"{name}.fmr", fp.minutiae, SingularPoints.empty(), width=width, height=height, **dpi)
        write_xyt(xyt / f"{name}.xyt", fp.minutiae, height=height, **dpi)
    return iso, xyt


@pytest.fixture(scope="session")
def verification(folder):
    """All comparisons: 3 mated and 12 non-mated."""
    return verify(folder, "fvc", layout="fvc", every_impostor=True)

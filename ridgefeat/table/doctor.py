"""Whether ridgefeat is well on this machine: versions, libraries, threads, extras, and one print with known numbers.

Nothing here imports OpenCV or the stages before they are checked, so that it can say what is missing.
"""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ridgefeat._version import __version__
from ridgefeat.table.system import explain

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

LIBRARIES = {
    "numpy": ("numpy",),
    "scipy": ("scipy",),
    "cv2": ("opencv-python", "opencv-python-headless", "opencv-contrib-python"),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "pandas": ("pandas",),
    "pywt": ("PyWavelets",),
    "joblib": ("joblib",),
    "matplotlib": ("matplotlib",),
    "jinja2": ("jinja2",),
    "skops": ("skops",),
}
"""What must import, and the distributions that it may come from."""
EXTRAS = {
    "parquet": ("pyarrow", "Parquet tables"),
    "wsq": ("wsq", "WSQ images"),
    "onnx": ("onnx", "networks of other tools as backbones"),
    "dask": ("dask", "workers on several machines"),
    "ray": ("ray", "workers on several machines"),
}
"""Extras: the module that each brings, and what it is for."""

SEED = 7
"""Of the self-test's print: a whorl made by a program, the same on every machine."""
EXPECTED = {
    "ridge_period_mean": (0.48393, 0.002),
    "ridge_density_mean": (11.737, 0.15),
    "orient_coherence_mean": (0.81569, 0.005),
    "orient_cores": (2.0, 0.0),
    "orient_deltas": (2.0, 0.0),
    "gabor_anisotropy_mean": (0.82017, 0.01),
    "minutiae_count": (51.0, 3.0),
    "quality_ocl_mean": (0.62929, 0.025),
    "texture_spectrum_centroid": (2.14654, 0.03),
}
"""What the self-test must measure, and by how much it may differ: versions of OpenCV resample and round differently."""
FOUR = ("ridge", "orient", "gabor", "minutiae")
LEAST_SECONDS = 0.6
"""How long the rate is measured, after a first print that loads everything."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    part : str
        system, libraries, threads, extras, self-test or rate.
    name : str
    value : str
        What was found, in words.
    state : str
        ok, missing (an extra that nobody has to have) or wrong.
    advice : str
        What to do, where something is wrong or missing.
    """

    part: str
    name: str
    value: str
    state: str = "ok"
    advice: str = ""


def examine() -> list[Finding]:
    """Return what was found on this machine, in order."""
    found = [*_system(), *_libraries()]
    well = all(f.state == "ok" for f in found)
    found += [*_threads(), *_extras()]
    if well:
        return found + _tried()
    skipped = Finding("self-test", "one print", "not run: libraries are missing", "wrong", "Mend them first.")
    return [*found, skipped]


def healthy(findings: list[Finding]) -> bool:
    """Return whether nothing is wrong; a missing extra is not."""
    return all(f.state != "wrong" for f in findings)


def _system() -> list[Finding]:
    return [
        Finding("system", "ridgefeat", __version__),
        Finding("system", "Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        Finding("system", "machine", f"{platform.system()} {platform.machine()}, {_cores()} cores"),
    ]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _libraries() -> list[Finding]:
    found = []
    for module, names in LIBRARIES.items():
        said = ", ".join(f"{n} {v}" for n in names if (v := _version(n)))
        try:
            loaded = import_module(module)
        except ImportError as error:
            advice = explain(error) or f"pip install {names[0]}"
            found.append(Finding("libraries", said or names[0], f"cannot be imported: {error}", "wrong", advice))
            continue
        if said.count(",") and module == "cv2":
            advice = "Several builds of OpenCV overwrite each other's files: uninstall all, then install one."
            found.append(Finding("libraries", said, "installed together", "wrong", advice))
        else:
            found.append(
                Finding("libraries", said.split(" ")[0] or names[0], said.split(" ")[-1] or str(loaded.__version__))
            )
    return found


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _threads() -> list[Finding]:
    """Return which BLAS is in use and how many threads it and OpenCV would start; workers hold them to one."""
    try:
        from threadpoolctl import threadpool_info  # type: ignore[import-untyped]
    except ImportError:
        return [Finding("threads", "BLAS", "unknown", "wrong", "pip install threadpoolctl")]
    pools = [p for p in threadpool_info() if p.get("user_api") == "blas"]
    found = [
        Finding("threads", "BLAS", f"{p.get('internal_api')} {p.get('version') or ''}, {p.get('num_threads')} threads")
        for p in {(p.get("filepath")): p for p in pools}.values()
    ]
    try:
        import cv2

        found.append(Finding("threads", "OpenCV", f"{cv2.getNumThreads()} threads"))
    except ImportError:
        pass
    return found


def _extras() -> list[Finding]:
    found = []
    for extra, (module, use) in EXTRAS.items():
        if find_spec(module) is not None:
            found.append(Finding("extras", extra, f"{module} {_version(module)}: {use}"))
        else:
            advice = f"pip install 'ridgefeat[{extra}]'"
            found.append(Finding("extras", extra, f"not installed: {use}", "missing", advice))
    return found


def make_print() -> Fingerprint:
    """Return the self-test's print, anew."""
    from ridgefeat.fingerprint import Fingerprint
    from ridgefeat.synth import make_print as make

    made = make(SEED, pattern="whorl", noise_level=1)
    return Fingerprint(made.image, made.dpi)


def measure() -> dict[str, float]:
    """Return what the self-test measures in its print, by column."""
    from ridgefeat.table.api import extract

    values = extract(make_print())
    return {name: float(values[name]) for name in EXPECTED}


def _tried() -> list[Finding]:
    try:
        measured = measure()
    except Exception as error:
        return [
            Finding(
                "self-test",
                "one print",
                f"{type(error).__name__}: {error}",
                "wrong",
                "Install ridgefeat and its dependencies anew; if that does not help, report it.",
            )
        ]
    found = []
    for name, (expected, tolerance) in EXPECTED.items():
        ok = abs(measured[name] - expected) <= tolerance
        value = f"{measured[name]:.5g}, expected {expected:.5g} ± {tolerance:.2g}"
        advice = (
            "" if ok else "Features of this installation cannot be compared with others': check the versions above."
        )
        found.append(Finding("self-test", name, value, "ok" if ok else "wrong", advice))
    return found + _rates()


def _rates() -> list[Finding]:
    from ridgefeat.features.family import BUILT_IN

    fp = make_print()
    cores = _cores()
    found = []
    for words, families in (("four families", FOUR), ("six families", BUILT_IN)):
        rate = rate_of(fp, families)
        value = f"{rate:.0f} prints/s on one core, about {rate * cores:.0f} with -j {cores} ({', '.join(families)})"
        found.append(Finding("rate", words, value))
    return found


def rate_of(fp: Fingerprint, families: tuple[str, ...]) -> float:
    """Return how many prints like this one a core does in a second."""
    from ridgefeat.fingerprint import Fingerprint
    from ridgefeat.table.row import compute
    from ridgefeat.table.threads import one_thread

    done = 0
    with one_thread():
        compute(Fingerprint(fp.original, (fp.dpi_x, fp.dpi_y)), families)  # the first also loads what it needs
        began = time.perf_counter()
        while (spent := time.perf_counter() - began) < LEAST_SECONDS:
            compute(Fingerprint(fp.original, (fp.dpi_x, fp.dpi_y)), families)
            done += 1
    return done / spent


def as_record(findings: list[Finding]) -> dict[str, Any]:
    """Return findings as JSON would hold them."""
    from dataclasses import asdict

    return {"healthy": healthy(findings), "findings": [asdict(f) for f in findings]}

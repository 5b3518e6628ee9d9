"""`ridgefeat doctor`: whether the installation on this machine is complete and measures correctly."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import groupby
from timeit import Timer

import click

import ridgefeat as rf
from ridgefeat._version import __version__
from ridgefeat.cli import options, talk
from ridgefeat.work.system import missing_library_advice

COLOURS = {"ok": "green", "optional": "yellow", "wrong": "red"}


@click.command("doctor")
@options.json_result
def command() -> None:
    """List the parts of this installation, and check that it measures correctly.

    It reports versions, missing system libraries, BLAS and its threads, and extras; measures one simulated print whose
    values are known; and gives the number of prints per second to expect. The exit code is 1 if something is wrong; a
    missing extra is not.

    \b
    Examples:
      ridgefeat doctor
      ridgefeat doctor --json > doctor.json
    """

    talk.echo_detail("measuring one simulated print …")
    findings = examine()
    width, lines = max(len(f.name) for f in findings), []
    for part, found in groupby(findings, lambda f: f.part):
        lines.append(click.style(part, bold=True))
        for f in found:
            lines.append(f"  {click.style(f'{f.state:10}', fg=COLOURS[f.state])}{f.name:{width}}  {f.value}")
            lines += [f"{'':{width + 14}}{f.advice}"] if f.advice else []
    talk.result({"healthy": is_healthy(findings), "findings": findings}, "\n".join(lines))
    if not is_healthy(findings):
        talk.echo("Something is wrong; see the advice above.")
        sys.exit(1)
    talk.echo("Everything is in order.")


LIBRARIES = {
    **{name: name for name in ("numpy", "scipy", "pandas", "joblib", "threadpoolctl", "matplotlib", "jinja2", "skops")},
    "PIL": "pillow",
    "cv2": "opencv-python",
    "pywt": "PyWavelets",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}
"""Modules that must import, and the distribution of each."""
BUILDS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
EXTRAS = {
    "parquet": ("pyarrow", "Parquet tables"),
    "excel": ("openpyxl", "Excel tables (.xlsx)"),
    "mixed": ("statsmodels", "mixed models in `compare`"),
    "wsq": ("wsq", "WSQ images"),
    "onnx": ("onnxruntime", "pretrained networks as feature transformers"),
    "torch": ("torch", "fine-tuning of pretrained networks"),
    "dask": ("distributed", "workers on several machines"),
    "ray": ("ray", "workers on several machines"),
    "fsspec": ("fsspec", "prints at addresses such as s3://"),
}
"""Extras: the module of each, and its use."""

SEED = 7
"""Seed of the self-test's print: a simulated whorl, the same on every machine."""
EXPECTED = {
    "ridge_period_mean": (0.48393, 0.002),
    "ridge_density_mean": (11.701, 0.15),
    "orient_coherence_mean": (0.81569, 0.005),
    "orient_cores": (2.0, 0.0),
    "orient_deltas": (2.0, 0.0),
    "gabor_anisotropy_mean": (0.82017, 0.01),
    "minutiae_count": (47.0, 3.0),
    "quality_ocl_mean": (0.62929, 0.025),
    "texture_spectrum_centroid": (2.14654, 0.03),
}
"""Expected values of the self-test and tolerances: versions of OpenCV resample and round differently."""
FOUR = ("ridge", "orient", "gabor", "minutiae")


@dataclass(frozen=True)
class Finding:
    """One thing that was examined: its part of the installation, its name, and what was found.

    The state is ok, optional (an extra that is not installed) or wrong; the advice says what to do if it is not ok.
    """

    part: str
    name: str
    value: str
    state: str = "ok"
    advice: str = ""


def examine() -> list[Finding]:
    """Examine this machine and return the findings in order."""
    libraries = list(_libraries())
    if not is_healthy(libraries):
        skipped = Finding("self-test", "one print", "not run: libraries are missing", "wrong", "Install them first.")
        return [*_system(), *libraries, *_extras(), skipped]
    tested = list(_self_test())
    return [*_system(), *libraries, *_threads(), *_extras(), *tested, *(_rates() if is_healthy(tested) else ())]


def is_healthy(findings: list[Finding]) -> bool:
    """Return whether nothing is wrong; a missing extra is not wrong."""
    return all(f.state != "wrong" for f in findings)


def _system() -> Iterator[Finding]:
    yield Finding("system", "ridgefeat", __version__)
    yield Finding("system", "Python", f"{platform.python_version()} ({platform.python_implementation()})")
    yield Finding("system", "machine", platform.platform())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _libraries() -> Iterator[Finding]:
    for module, name in LIBRARIES.items():
        try:
            import_module(module)
            yield Finding("libraries", name, _version(name))
        except ImportError as error:
            advice = missing_library_advice(error) or f"pip install {name}"
            yield Finding("libraries", name, f"cannot be imported: {error}", "wrong", advice)
    builds = [f"{name} {v}" for name in BUILDS if (v := _version(name))]
    if len(builds) > 1:
        advice = "Several builds of OpenCV overwrite each other's files: uninstall all, then install one."
        yield Finding("libraries", ", ".join(builds), "installed together", "wrong", advice)


def _threads() -> Iterator[Finding]:
    """Yield how many threads BLAS, OpenMP and OpenCV would start; workers use one."""
    import cv2
    from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

    for pool in threadpool_info():
        name = f"{pool['internal_api']} {pool['version'] or ''}".strip()
        yield Finding("threads", name, f"{pool['num_threads']} threads")
    yield Finding("threads", "OpenCV", f"{cv2.getNumThreads()} threads")


def _extras() -> Iterator[Finding]:
    for extra, (module, use) in EXTRAS.items():
        if find_spec(module) is not None:
            yield Finding("extras", extra, f"{module} {_version(module)}: {use}")
        else:
            missing, advice = f"not installed (optional): {use}", f"pip install 'ridgefeat[{extra}]'"
            yield Finding("extras", extra, missing, "optional", advice)


def make_print() -> rf.Fingerprint:
    """Return the self-test's print, with nothing computed yet."""
    made = rf.synth.make_print(SEED, pattern="whorl", noise_level=1)
    return rf.Fingerprint(made.image, made.dpi)


def measure() -> dict[str, float]:
    """Return the values of the self-test's print by column."""
    values = rf.extract(make_print())
    return {name: float(values[name]) for name in EXPECTED}


def _self_test() -> Iterator[Finding]:
    try:
        measured = measure()
    except Exception as error:
        advice = "Reinstall ridgefeat and its dependencies; if that does not help, report it."
        yield Finding("self-test", "one print", f"{type(error).__name__}: {error}", "wrong", advice)
        return
    advice = "Features of this installation cannot be compared with those of others; check the versions above."
    for name, (expected, tolerance) in EXPECTED.items():
        value = f"{measured[name]:.5g}, expected {expected:.5g} ± {tolerance:.2g}"
        is_off = abs(measured[name] - expected) > tolerance
        yield Finding("self-test", name, value, *(("wrong", advice) if is_off else ()))


def _rates() -> Iterator[Finding]:
    """Yield how many prints like the self-test's one core computes per second, and all cores at most."""
    from joblib import cpu_count

    from ridgefeat.features.family import BUILT_IN
    from ridgefeat.work.threads import one_thread

    fp, cores = make_print(), cpu_count()

    def compute(families: tuple[str, ...]) -> None:
        rf.table.compute_features(rf.Fingerprint(fp.original, (fp.dpi_x, fp.dpi_y)), families)

    for words, families in (("four families", FOUR), ("six families", BUILT_IN)):
        timer = Timer(partial(compute, families))
        with one_thread():
            timer.timeit(1)  # the first also loads what it needs
            done, seconds = timer.autorange()
        rate = done / seconds
        value = f"{rate:.0f} prints/s on one core, about {rate * cores:.0f} with -j {cores} ({', '.join(families)})"
        yield Finding("rate", words, value)

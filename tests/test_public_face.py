import importlib
import inspect
import pkgutil
import subprocess
import sys
from importlib.metadata import version

import pytest

import ridgefeat as rf

MODULES = sorted(m.name for m in pkgutil.walk_packages(rf.__path__, "ridgefeat.") if not m.name.endswith("__main__"))


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


HEAVY = ("sklearn", "pandas", "matplotlib", "pyarrow", "scipy", "cv2", "skimage", "pywt", "joblib")
READING = "numpy as np, ridgefeat as rf; rf.Fingerprint(np.zeros((60, 60), np.uint8)).minutiae; rf.read"


@pytest.mark.parametrize(
    ("imported", "heavy"),
    [("ridgefeat", HEAVY), ("ridgefeat.cli", HEAVY), (READING, ("sklearn", "matplotlib", "pyarrow"))],
)
def test_importing_and_reading_are_light(imported, heavy):
    assert python(f"import sys, {imported}; print([m for m in {heavy!r} if m in sys.modules])").strip() == "[]"


def test_every_public_name_resolves_and_an_unknown_one_is_an_attribute_error():
    assert sorted(rf.__all__) == rf.__all__ and set(dir(rf)) == set(rf.__all__)
    assert all(getattr(rf, name) is not None for name in rf.__all__)
    assert {"read", "Fingerprint", "extract", "extract_many", "FeatureExtractor", "Params"} <= set(rf.__all__)
    with pytest.raises(AttributeError, match="No ridgefeat attribute raed"):
        rf.raed  # noqa: B018


def test_the_version_stands_in_one_place():
    assert rf.__version__ == version("ridgefeat")


def test_everything_that_goes_wrong_on_purpose_has_one_root():
    from ridgefeat import errors

    kinds = [k for _, k in inspect.getmembers(errors, inspect.isclass)]
    assert len(kinds) >= 8 and all(issubclass(k, rf.RidgefeatError) and k.__doc__ for k in kinds)


@pytest.mark.parametrize(
    "name", [m for m in MODULES if m.startswith("ridgefeat.stages.")], ids=lambda m: m.rpartition(".")[2]
)
def test_a_stage_documents_its_parameters_and_its_result(name):
    module = importlib.import_module(name)
    for what, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ != name or "params" not in inspect.signature(function).parameters:
            continue
        doc = inspect.getdoc(function)
        for parameter in inspect.signature(function).parameters:
            assert parameter in doc, f"{what}: {parameter}"
        # flag's result stands in its first line.
        assert "Returns\n" in doc or doc.startswith("Return "), what

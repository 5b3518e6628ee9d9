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


@pytest.mark.parametrize("module", ["ridgefeat", "ridgefeat.cli"])
def test_importing_is_light(module):
    heavy = "sklearn", "pandas", "matplotlib", "pyarrow", "scipy", "cv2", "skimage", "pywt", "joblib"
    code = f"import sys, {module}; print([m for m in {heavy!r} if m in sys.modules])"
    assert python(code).strip() == "[]"


def test_reading_and_extracting_need_neither_scikit_learn_nor_plots():
    code = (
        "import sys, numpy as np, ridgefeat as rf; rf.Fingerprint(np.zeros((60, 60), np.uint8)).minutiae; "
        "rf.read; print([m for m in ('sklearn', 'matplotlib', 'pyarrow') if m in sys.modules])"
    )
    assert python(code).strip() == "[]"


def test_every_public_name_resolves():
    assert sorted(rf.__all__) == rf.__all__
    for name in rf.__all__:
        assert getattr(rf, name) is not None
    assert set(dir(rf)) == set(rf.__all__)
    assert {"read", "Fingerprint", "extract", "extract_many", "FeatureExtractor", "Params"} <= set(rf.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="No ridgefeat attribute raed"):
        rf.raed  # noqa: B018


def test_the_version_stands_in_one_place():
    assert rf.__version__ == version("ridgefeat")


def test_everything_that_goes_wrong_on_purpose_has_one_root():
    from ridgefeat import errors

    kinds = [k for _, k in inspect.getmembers(errors, inspect.isclass)]
    assert len(kinds) >= 8 and all(issubclass(k, rf.RidgefeatError) and k.__doc__ for k in kinds)


@pytest.mark.parametrize("name", MODULES)
def test_modules_classes_functions_and_methods_have_docstrings(name):
    module = importlib.import_module(name)
    assert module.__doc__ or name == "ridgefeat._version"
    for what, thing in inspect.getmembers(module):
        if what.startswith("_") or getattr(thing, "__module__", None) != name:
            continue
        if getattr(thing, "__qualname__", what) != what:  # made by another function, as click's options are
            continue
        if inspect.isfunction(thing):
            assert inspect.getdoc(thing), f"{name}.{what}"
        elif inspect.isclass(thing):
            assert inspect.getdoc(thing), f"{name}.{what}"
            for method, function in vars(thing).items():
                own = inspect.isfunction(function) and function.__name__ == method
                if own and not method.startswith("_"):
                    assert inspect.getdoc(function), f"{name}.{what}.{method}"


def test_every_public_name_is_documented_with_its_parameters():
    for name in ("Fingerprint", "read", "extract", "extract_many", "FeatureExtractor"):
        assert "Parameters\n" in inspect.getdoc(getattr(rf, name)), name


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
        # flag's result is told in its first line.
        assert "Returns\n" in doc or doc.startswith("Return "), what

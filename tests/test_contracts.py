"""The house is entered at the top and only ever looks down."""

import ast
import importlib
import logging
import pkgutil
from pathlib import Path

import pytest

import ridgefeat

PACKAGE = Path(ridgefeat.__file__).parent
ROOT = PACKAGE.parent
STAGES = sorted((PACKAGE / "stages").glob("*.py"))


def test_a_module_imports_from_lower_floors_only(capsys, monkeypatch):
    lint = pytest.importorskip("importlinter.cli", reason="import-linter, of the extra dev, is not installed")
    if not (ROOT / "setup.cfg").exists():
        pytest.skip("the contract stands in setup.cfg, which an installed package does not bring")
    monkeypatch.chdir(ROOT)
    logger = logging.getLogger("ridgefeat")
    monkeypatch.setattr(logger, "disabled", logger.disabled)  # import-linter's settings disable other loggers
    code = lint.lint_imports(config_filename="setup.cfg", no_cache=True)
    assert code == 0, capsys.readouterr().out


@pytest.mark.parametrize("package", [p.name for p in sorted(PACKAGE.iterdir()) if (p / "__init__.py").exists()])
def test_a_package_says_in_which_order_to_read_all_its_modules(package):
    """Of the command line's modules those that commands share; any command can be read after them."""
    order = ast.get_docstring(ast.parse((PACKAGE / package / "__init__.py").read_text(encoding="utf-8"))) or ""
    if package == "cli":
        modules = {"options", "talk", "outputs", "streams"}
    else:
        modules = {m.name for m in pkgutil.iter_modules([str(PACKAGE / package)]) if not m.name.startswith("_")}
    assert "Read" in order and {m for m in modules if f"`{m}`" not in order} == set()


def test_scripts_import_what_exists():
    """Benchmarks and documentation are not run by the tests; they must not rest on modules that have moved."""
    scripts = [path for folder in ("benchmarks", "docs", "examples") for path in sorted((ROOT / folder).glob("*.py"))]
    if not scripts:
        pytest.skip("scripts are in the repository alone, which an installed package does not bring")
    missing = []
    for path in scripts:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ridgefeat":
                module = importlib.import_module(node.module)
                there = {*dir(module), *(found.name for found in pkgutil.iter_modules(getattr(module, "__path__", ())))}
                missing += [f"{path.name}:{node.lineno} {a.name}" for a in node.names if a.name not in there]
    assert missing == []


def test_a_module_imported_by_name_is_a_known_one():
    """Imports by name escape the contract above: each place that makes one is listed with what it imports."""
    allowed = {
        "features/family.py": "families of this floor, by their names",
        "cli/__init__.py": "commands",
        "cli/options.py": "tables of names that a shell completes",
        "cli/doctor.py": "libraries",
        "work/guard.py": "the module that the caller's workers need",
        "bench/classifiers.py": "estimators, a user's among them",
        "backbone/torch_network.py": "a user's file",
    }
    names = {"import_module", "__import__", "spec_from_file_location"}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        called = {getattr(n.func, "attr", getattr(n.func, "id", "")) for n in nodes if isinstance(n, ast.Call)}
        imported = {a.name for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names}
        if names & (called | imported):
            found.add(path.relative_to(PACKAGE).as_posix())
    assert found == set(allowed)


@pytest.mark.parametrize("path", STAGES, ids=lambda p: p.stem)
def test_stages_touch_no_files_print_nothing_and_draw_no_lots(path):
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    imported = {a.name.partition(".")[0] for n in nodes if isinstance(n, ast.Import) for a in n.names}
    imported |= {(n.module or "").partition(".")[0] for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}
    assert not imported & {"os", "pathlib", "io", "random", "logging", "pandas", "sklearn", "matplotlib", "click"}
    called = {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert not called & {"print", "open", "exec", "eval"}
    attributes = {n.attr for n in nodes if isinstance(n, ast.Attribute)}
    assert not attributes & {"random", "imread", "imwrite", "RNG"}

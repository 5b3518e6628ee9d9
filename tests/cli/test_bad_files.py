import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from ridgefeat.table import read_table
from tests.cli.running import run

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "bad_files.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bad_files", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_hundred_bad_files_are_two_hundred_rows_with_a_reason(bench, tmp_path):
    prints, output = tmp_path / "prints", tmp_path / "t.csv"
    prints.mkdir()
    made = bench.make(prints, 200)
    done = run("extract", prints, "-o", output, "--families", "ridge", "-j", 1, code=1)
    errors = read_table(output).set_index("meta_source").meta_error
    assert len(errors) == 210 and set(made) <= set(errors.index)
    without = Counter(kind for name, kind in made.items() if not isinstance(errors[name], str))
    assert not without
    assert not [e for e in errors if isinstance(e, str) and "please report" in e]
    assert errors[[n for n in errors.index if n.startswith("good")]].isna().all()
    assert "200 failed" in done.stderr

from collections import Counter

from ridgefeat.table import read_table
from tests.cli.running import run
from tests.scripts import load_script


def test_two_hundred_bad_files_are_two_hundred_rows_with_a_reason(tmp_path):
    prints, output = tmp_path / "prints", tmp_path / "t.csv"
    prints.mkdir()
    made = load_script("benchmarks/_attack_files.py").make(prints, 200)
    done = run("extract", prints, "-o", output, "--families", "ridge", "-j", 1, code=1, default_map=None)
    errors = read_table(output).set_index("meta_source").meta_error
    assert len(errors) == 210 and set(made) <= set(errors.index)
    without = Counter(kind for name, kind in made.items() if not isinstance(errors[name], str))
    assert not without
    assert not [e for e in errors if isinstance(e, str) and "please report" in e]
    assert errors[[n for n in errors.index if n.startswith("good")]].isna().all()
    assert "200 failed" in done.stderr

"""Small inputs that ask for hours or gigabytes are refused at once, in one line."""

import os
import re
import resource
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from ridgefeat.backbone.onnx_network import OnnxNetwork
from ridgefeat.cli import main
from ridgefeat.errors import LayoutError, ModelError
from ridgefeat.sources import find_prints
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import make_row
from ridgefeat.work.guard import Limits, Stopped, guarded_map
from ridgefeat.work.system import process_memory
from tests.cli.running import run
from tests.hostile_files import IMAGES, ODD, TABLES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="devices, and measured by /proc")
MAX_SECONDS, MAX_MEMORY = 10, 1 << 30


def used_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def read(path: Path) -> tuple[list[str | None], float, int]:
    """Return the errors of all prints in a file, and the seconds and the memory that reading it took."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, began = process_memory("VmRSS"), used_seconds()
    try:
        errors = [make_row(p, Recipe.make(["ridge"]))[0]["meta_error"] for p in find_prints([path])]
    except LayoutError as error:
        errors = [str(error)]
    return errors, used_seconds() - began, process_memory("VmHWM") - before


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_or_archive_is_refused_at_once(tmp_path, name):
    IMAGES[name](tmp_path / name)
    (found,) = guarded_map(read, [tmp_path / name], Limits(100.0, MAX_MEMORY))
    assert not isinstance(found, Stopped), found
    errors, seconds, memory = found
    assert all(errors) and not any("unexpected" in e or "not enough memory" in e for e in errors), errors
    assert seconds < MAX_SECONDS and memory < MAX_MEMORY


@contextmanager
def alarm(seconds: int):
    """Interrupt what takes longer."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def refused(*args: object) -> str:
    """Run a command that must refuse its input; return what it says."""
    began = used_seconds()
    with alarm(100):
        done = CliRunner().invoke(main, [str(a) for a in args], input="")
    assert done.exit_code in (1, 2) and isinstance(done.exception, SystemExit), (done.output, done.exc_info)
    assert used_seconds() - began < MAX_SECONDS
    assert "Traceback" not in done.output
    return done.output


def command(text: str, prints: Path, bad: Path) -> list[str]:
    print_ = sorted(prints.iterdir())[0]
    known = {"prints": prints, "print": print_, "bad": bad, "out": bad.parent / "out"}
    return text.format(**known).split()


EVERYWHERE = [
    "extract {bad} -o {out}.csv -q --timeout 0 --memory 0",
    "extract {prints} --list {bad} -o {out}.csv",
    "extract {prints} --index {bad} -o {out}.csv",
    "extract {prints} --like {bad} -o {out}.csv",
    "extract {prints} -p {bad} -o {out}.csv",
    "extract {bad} --raw 9x9 -o {out}.csv -q --timeout 0 --memory 0",
    "merge {bad} -o {out}.csv",
    "explore {bad} -o {out}.html",
    "split {bad} -o {out}",
    "bench {bad} --target sex -o {out}",
    "compare {bad} --by sex -o {out}",
    "train {bad} --target sex -o {out}.skops",
    "predict {bad} {bad}",
    "threshold {bad} -o {out}",
    "verify {prints} --protocol {bad} -o {out}.csv --timeout 0 --memory 0",
    "verify {bad} -o {out}.csv --timeout 0 --memory 0",
    "identify {bad} --gallery {prints} --timeout 0 --memory 0",
    "identify {print} --gallery {bad} --timeout 0 --memory 0",
    "identify {print} --gallery {prints} --calibration {bad} --timeout 0 --memory 0",
    "show {bad} -o {out}.png --timeout 0 --memory 0",
]
"""Every place where a command reads a file."""


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file_or_never_ends_is_refused_everywhere(tmp_path, prints, kind):
    for suffix, text in [(".csv", t) for t in EVERYWHERE] + [(s, EVERYWHERE[0]) for s in (".png", ".tar.gz", ".an2")]:
        bad = tmp_path / f"bad{suffix}"
        if not os.path.lexists(bad):
            ODD[kind](bad)
        said = refused(*command(text, prints, bad))
        assert len(said.splitlines()) < 12, (text, said)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_refused_at_once(tmp_path, prints, name):
    TABLES[name](tmp_path / name)
    before = process_memory("VmRSS")
    wanted = {".csv": "--index|threshold|--list|-p ", ".xlsx": "--index|threshold"}.get(Path(name).suffix, "--index")
    for text in (t for t in EVERYWHERE if re.search(wanted, t)):
        Path("/proc/self/clear_refs").write_text("5")
        said = refused(*command(text, prints, tmp_path / name))
        assert len(said) < 1000, said[:1000]
        assert process_memory("VmHWM") - before < MAX_MEMORY


def test_a_cell_of_a_million_characters_is_merged_in_linear_time(tmp_path, prints):
    run("extract", prints, "-o", tmp_path / "a.csv", "--families", "ridge", "-q")
    frame = pd.read_csv(tmp_path / "a.csv", dtype=object)
    frame.loc[0, "meta_error"] = "x" * 4_000_000
    frame.to_csv(tmp_path / "a.csv", index=False)
    began = used_seconds()
    run("merge", tmp_path / "a.csv", tmp_path / "a.csv", "-o", tmp_path / "m.csv", "--duplicates")
    assert used_seconds() - began < MAX_SECONDS


def test_a_network_whose_nodes_feed_each_other_is_refused(tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs the extra `onnx`")
    pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")
    shape = [onnx.helper.make_tensor_value_info(name, 1, [1, 1, 8, 8]) for name in ("x", "a")]
    nodes = [onnx.helper.make_node("Identity", [one], [other]) for one, other in (("b", "a"), ("a", "b"))]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", *[[s] for s in shape])), tmp_path / "c.onnx")
    with alarm(20), pytest.raises(ModelError, match="nodes form a cycle"):
        OnnxNetwork(tmp_path / "c.onnx")

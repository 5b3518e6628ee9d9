"""What a command may write: outputs that exist, that are inputs, and folders of other commands."""

import json
import shutil

import pytest

from ridgefeat import files
from ridgefeat.cli import talk
from ridgefeat.files import MANIFEST
from tests.cli.running import run
from tests.small_fingers import small_fingers


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a table, a model, scores and a picture, made once."""
    folder = tmp_path_factory.mktemp("outputs")
    with small_fingers():
        run("synth", folder / "made", "-n", 12, "--fingers", 1, "--seed", 1)
        run("synth", folder / "prints", "-n", 6, "--fingers", 1, "--impressions", 2, "--seed", 2)
    for index, name in enumerate(sorted((folder / "prints").glob("*.png"))):
        name.rename(folder / "prints" / f"{101 + index // 2}_{1 + index % 2}.png")
    table, model = folder / "t.csv", folder / "m.skops"
    run("extract", folder / "made", "--index", folder / "made/index.csv", "--families", "ridge", "-o", table)
    run("train", table, "--target", "sex", "--classifier", "logistic", "--folds", 2, "-o", model)
    run("verify", folder / "prints", "--impostors", "all", "-o", folder / "s.csv")
    return folder


def state(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(
    ("args", "output"),
    [
        (("explore", "t.csv"), "t.csv"),
        (("explore", "t.csv"), "t.json"),
        (("explore", "t.csv"), "link.csv"),
        (("predict", "m.skops", "t.csv"), "m.skops"),
        (("predict", "m.skops", "t.csv"), "m.json"),
        (("predict", "m.skops", "t.csv"), "t.csv"),
        (("show", "prints/101_1.png"), "prints/101_1.png"),
        (("train", "t.csv", "--target", "sex"), "t.csv"),
        (("train", "t.csv", "--target", "sex"), "t.skops"),
        (("verify", "prints", "--index", "made/index.csv"), "made/index.csv"),
        (("extract", "made", "--index", "made/index.csv"), "made/index.csv"),
        (("extract", "made", "--params", "p.json"), "p.csv"),
        (("merge", "t.csv", "u.csv"), "t.csv"),
        (("split", "o/train.csv"), "o"),
        (("threshold", "o/thresholds.csv"), "o"),
        (("bench", "o/scores.csv", "--target", "sex"), "o"),
        (("compare", "o/compare.csv", "--by", "sex"), "o"),
        (("identify", "prints/101_1.png", "--gallery", "prints"), "prints/101_1.png"),
        (("identify", "prints/101_1.png", "--gallery", "prints"), "prints/102_1.png"),
    ],
)
def test_an_output_that_is_an_input_is_always_refused(place, tmp_path, monkeypatch, args, output):
    shutil.copytree(place, tmp_path / "w")
    work = tmp_path / "w"
    (work / "link.csv").symlink_to("t.csv")
    (work / "p.json").write_text("{}")
    (work / "u.csv").write_bytes((work / "t.csv").read_bytes())
    (work / "o").mkdir()
    for name in ("thresholds.csv", "scores.csv", "train.csv", "compare.csv"):
        (work / "o" / name).write_bytes((work / "t.csv").read_bytes())
    monkeypatch.chdir(work)
    before = state(work)
    option = "--draw" if args[0] == "identify" else "-o"
    said = run(*args, option, output, "--overwrite", code=2).stderr
    assert "choose another" in said and state(work) == before


@pytest.mark.parametrize(
    "args",
    [
        ("explore", "t.csv"),
        ("predict", "m.skops", "t.csv"),
        ("show", "prints/101_1.png"),
        ("train", "t.csv", "--target", "sex"),
        ("verify", "prints"),
        ("extract", "made"),
        ("merge", "t.csv", "t.csv"),
        ("identify", "prints/101_1.png", "--gallery", "prints", "--draw"),
    ],
)
def test_an_output_that_exists_is_kept_without_overwrite(place, tmp_path, monkeypatch, args):
    monkeypatch.chdir(place)
    output = tmp_path / (
        "out.png" if args[0] in ("show", "identify") else "out.skops" if args[0] == "train" else "out.csv"
    )
    output.write_text("mine")
    said = run(*args, *(() if args[-1] == "--draw" else ("-o",)), output, code=2).stderr
    assert "--overwrite" in said and output.read_text() == "mine" and list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("command", ["bench", "compare", "threshold"])
@pytest.mark.usefixtures("without_pdf")
def test_a_folder_of_results_is_kept_and_belongs_to_one_command(place, tmp_path, monkeypatch, command):
    monkeypatch.chdir(place)
    args = {"bench": ("bench", "t.csv", "--target", "sex", "--classifiers", "dummy", "--folds", 2, "--fast")}
    args["threshold"] = ("threshold", "s.csv", "--folds", 1, "--methods", "exact")
    args["compare"] = ("compare", "t.csv", "--by", "sex")
    own, other = args[command], args["threshold" if command == "bench" else "bench"]
    run(*own, "-o", tmp_path / "r")
    before = state(tmp_path)
    assert tmp_path / "r" / MANIFEST in before and not list(tmp_path.glob("r/.*"))
    assert "--overwrite" in run(*own, "-o", tmp_path / "r", code=2).stderr
    said = run(*other, "-o", tmp_path / "r", "--overwrite", code=2).stderr
    assert f"holds results of `ridgefeat {command}`" in said and state(tmp_path) == before
    run(*own, "-o", tmp_path / "r", "--overwrite")
    assert set(state(tmp_path)) == set(before)


@small_fingers()
@pytest.mark.parametrize("command", ["train", "verify", "split", "synth", "merge"])
def test_results_of_several_files_appear_together(place, tmp_path, monkeypatch, command):
    """Stopped before the last file has its name, a command leaves what was there, or no description of it."""
    monkeypatch.chdir(place)
    output, last = {
        "train": (tmp_path / "m.skops", "m.json"),
        "verify": (tmp_path / "s.csv", "s.json"),
        "split": (tmp_path / "parts", "parts/manifest.json"),
        "synth": (tmp_path / "set", "set/manifest.json"),
        "merge": (tmp_path / "t.csv", "t.json"),
    }[command]
    args = {
        "train": ("train", "t.csv", "--target", "sex", "--classifier", "logistic", "--folds", 2, "-o"),
        "verify": ("verify", "prints", "-o"),
        "split": ("split", "t.csv", "-o"),
        "synth": ("synth", "-n", 2),
        "merge": ("merge", "t.csv", "t.csv", "--duplicates", "-o"),
    }[command]
    run(*args, output)
    before, rename = state(tmp_path), files._rename

    def full(moves):
        if moves[-1][1] == tmp_path / last:
            raise OSError(28, "No space left on device")
        rename(moves)

    def killed(moves):
        at_end = moves[-1][1] == tmp_path / last
        rename(moves[:-1] if at_end else moves)
        if at_end:
            (tmp_path / last).unlink(missing_ok=True)
            raise KeyboardInterrupt

    monkeypatch.setattr(files, "_rename", full)
    said = run(*args, output, "--overwrite", code=2).stderr
    assert "cannot be written: No space left on device" in said
    assert {**before, tmp_path / last: b""} == {**state(tmp_path), tmp_path / last: b""}
    monkeypatch.setattr(files, "_rename", killed)
    run(*args, output, "--overwrite", code=130)
    assert set(before) - set(state(tmp_path)) == {tmp_path / last}


def test_scores_of_verify_are_not_replaced_by_bench(place, tmp_path, monkeypatch):
    monkeypatch.chdir(place)
    shutil.copy(place / "s.csv", tmp_path / "scores.csv")
    (tmp_path / "scores.json").write_text('{"command": ["ridgefeat", "verify", "prints"]}')
    said = run("bench", "t.csv", "--target", "sex", "-o", tmp_path, "--overwrite", code=2).stderr
    assert "holds results of `ridgefeat verify`" in said and len(list(tmp_path.iterdir())) == 2


def test_sidecars_name_no_folder_but_in_the_command(place, tmp_path):
    run("merge", place / "t.csv", place / "t.csv", "--duplicates", "-o", tmp_path / "m.csv")
    run("split", place / "t.csv", "-o", tmp_path / "parts")
    paths = [*place.glob("*.json"), tmp_path / "m.json", *(tmp_path / "parts").glob("*.json")]
    assert len(paths) == 7
    for path in paths:
        held = json.loads(path.read_text())
        for one in (held, *held.get("merged", ())):
            one.pop("command", None), one.pop("command_line", None)
        assert str(place.parent) not in json.dumps(held)


def test_pages_show_the_command_line_with_names_for_paths(monkeypatch, tmp_path):
    words = ("bench", "/home/ada/t.csv", f"--images={tmp_path}/", "--regex", r"(?P<subject>\d+)/.*", "-o", "new")
    monkeypatch.setattr("sys.argv", ["x", *words])
    shown = rf"ridgefeat bench t.csv --images={tmp_path.name} --regex '(?P<subject>\d+)/.*' -o new"
    assert talk.command_line() == shown


def test_templates_are_for_their_owner_alone(place, tmp_path):
    run(
        "extract", place / "prints", "--families", "ridge", "-o", tmp_path / "t.csv", "--minutiae", tmp_path / "m", "-q"
    )
    files = [p for p in (tmp_path / "m").rglob("*") if p.is_file()]
    assert len(files) == 18 and {p.stat().st_mode & 0o777 for p in files} == {0o600}

"""`ridgefeat audit` as a user runs it: what it writes, its exit code, indexes of one's own."""

import hashlib
import json

import cv2
import pytest

from ridgefeat.files import MANIFEST
from tests.audit.helpers import draw, encoded
from tests.cli.running import run


def test_prints_without_people_are_not_called_mislabelled(tmp_path):
    for name in ("train/a.png", "test/b.png"):
        (tmp_path / name).parent.mkdir()
        cv2.imwrite(str(tmp_path / name), draw(1, 160))
    run("audit", tmp_path / "train", tmp_path / "test", "-j", 1, "-o", tmp_path / "out", code=1)
    kinds = {f["kind"] for f in json.loads((tmp_path / "out/audit.json").read_text())["findings"]}
    assert "identical" in kinds and "label_conflict" not in kinds


@pytest.fixture(scope="module")
def prints(tmp_path_factory):
    """Six people with two prints each, by name s<person>_<number>, and their labels."""
    root = tmp_path_factory.mktemp("audit") / "prints"
    root.mkdir()
    rows = ["file,subject,sex,split"]
    for person in range(6):
        for number in range(2):
            name = f"s{person}_{number}.png"
            cv2.imwrite(str(root / name), draw(10 * person + number, 160))
            rows.append(f"{name},{person},{'fm'[person % 2]},{'train' if person < 4 else 'test'}")
    (root.parent / "labels.csv").write_text("\n".join(rows))
    (root / MANIFEST).write_text('{"command": "synth"}')  # as simulated prints have; no table of parts
    return root


def audited(prints, out, *args, code=0):
    done = run("audit", *args, "--index", prints.parent / "labels.csv", "-j", 1, "-o", out, code=code)
    return json.loads((out / "audit.json").read_text()), done.output


def test_a_clean_set_exits_with_0_and_its_files_are_in_the_manifest(prints, tmp_path):
    found, output = audited(prints, tmp_path / "o", prints, "--label", "sex", "--split", "split")
    assert found["leaks"] == 0 and found["verdict"].startswith("No leak found in 12 prints")
    assert "8 to train on and 4 to test on" in output and (found["label"], found["group"]) == ("sex", "subject")
    (one,) = [f for f in found["findings"] if f["kind"] == "recognised"]
    assert one["message"] == "none of 12 prints is of a set that the index knows" and one["advice"] == ""
    manifest = json.loads((tmp_path / "o" / MANIFEST).read_text())
    assert manifest["command"] == "audit" and set(manifest["files"]) == {"audit.json", "report.html"}
    page = (tmp_path / "o/report.html").read_text()
    assert found["verdict"] in page and "<script" not in page and str(prints.parent) not in page


def test_a_person_and_an_image_on_both_sides_are_leaks_with_files_cost_and_advice(prints, tmp_path):
    for side, names in (("train", ["s0_0", "s1_0", "s2_0", "s2_1"]), ("test", ["s0_1", "s3_0"])):
        (tmp_path / side).mkdir()
        for name in names:
            (tmp_path / side / f"{name}.png").write_bytes((prints / f"{name}.png").read_bytes())
    (tmp_path / "test" / "s4_0.png").write_bytes((prints / "s1_0.png").read_bytes())
    inputs = [tmp_path / "train", tmp_path / "test"]
    found, _ = audited(prints, tmp_path / "o", *inputs, "--label", "sex", code=1)
    leaks = {f["kind"]: f for f in found["findings"] if f["severity"] == "leak"}
    assert leaks["folds"]["groups"] == [["0"]] and leaks["identical"]["files"] == [["s1_0.png", "s4_0.png"]]
    assert all(f["cost"] and f["advice"] for f in leaks.values())
    assert "1 of 3 test prints" in leaks["folds"]["cost"]


def test_a_blood_group_by_folder_is_called_impossible_by_digests_alone(prints, tmp_path):
    """What the public "blood group" set is: a known set in folders of eight classes, here as a table of digests."""
    run("audit", "--make-index", prints, "--regex", r"s(?P<subject>\d)_", "-j", 1, "-o", tmp_path / "ours.index")
    groups = ["A+", "B-", "O+", "AB-", "O-", "A-", "B+", "A+", "AB+", "O+", "A+", "B+"]
    images = sorted(prints.glob("*.png"))
    rows = [f"{g}/{i}.BMP,{g},{_digest(p)}" for i, (p, g) in enumerate(zip(images, groups, strict=True))]
    (tmp_path / "digests.csv").write_text("\n".join(["file,blood_group,pixel_digest", *rows]))
    args = ("--label", "blood_group", "--with-index", tmp_path / "ours.index", "-o", tmp_path / "o")
    done = run("audit", tmp_path / "digests.csv", *args, code=1)
    assert "12 of 12 prints are prints of ours, 12 pixel for pixel" in done.output
    assert "'blood_group' cannot be true of these people: 6 of 6 people" in done.output


def _digest(path):
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return hashlib.sha256(f"{pixels.shape[0]}x{pixels.shape[1]}:".encode() + pixels.tobytes()).hexdigest()


def test_changed_copies_are_recognised_by_an_index_of_ones_own(prints, tmp_path):
    run("audit", "--make-index", prints, "--regex", r"s(?P<subject>\d)_", "-j", 1, "-o", tmp_path / "ours.index")
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies/9.png").write_bytes(b"no image")
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"copies/{i}.png"), encoded(draw(10 * i, 160), 60))
    args = ("--with-index", tmp_path / "ours.index", "-j", 1, "-o", tmp_path / "o")
    run("audit", tmp_path / "copies", *args, code=1)  # one cannot be read
    found = json.loads((tmp_path / "o/audit.json").read_text())
    (one,) = [f for f in found["findings"] if f["kind"] == "recognised"]
    assert one["files"] == [[f"{i}.png", f"s{i}_0.png"] for i in range(3)] and "3 as changed copies" in one["message"]
    assert one["advice"].startswith("cite the set")
    assert any(f["message"] == "1 print could not be read, first 9.png" for f in found["findings"])


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "Missing argument 'INPUT...'"),
        (("prints", "--label", "age"), "the target column 'age' is not in the table"),
        (("prints", "--make-index", "prints"), "takes no further INPUT"),
        (("prints", "--with-index", "labels.csv"), "labels.csv is damaged, or no index"),
        (("labels.csv", "prints"), "give the images of a table with --images"),
        (("parts",), "_manifest.json"),  # a folder of parts is a table
    ],
)
def test_what_cannot_be_audited_is_one_line(prints, tmp_path, monkeypatch, args, words):
    monkeypatch.chdir(prints.parent)
    (prints.parent / "parts").mkdir(exist_ok=True)
    (prints.parent / "parts/_manifest.json").write_text("{")
    done = run("audit", *args, "-j", 1, "-o", tmp_path / "o", code=2)
    assert words in done.output and "Traceback" not in done.output

"""`ridgefeat doctor`: known numbers, and what is missing."""

import json

from ridgefeat.cli import doctor
from tests.cli.running import run


def test_nothing_is_wrong_here():
    done = run("doctor", "--json")
    said = json.loads(done.stdout)
    wrong = [f for f in said["findings"] if f["state"] == "wrong"]
    assert said["healthy"] and wrong == [] and done.stderr.strip() == "Everything is in order."
    parts = [f["part"] for f in said["findings"]]
    assert list(dict.fromkeys(parts)) == ["system", "libraries", "threads", "extras", "self-test", "rate"]
    assert [f["name"] for f in said["findings"] if f["part"] == "self-test"] == list(doctor.EXPECTED)
    assert all("prints/s" in f["value"] for f in said["findings"] if f["part"] == "rate")


def test_a_wrong_number_is_an_error(monkeypatch):
    monkeypatch.setattr(doctor, "measure", lambda: dict.fromkeys(doctor.EXPECTED, 1.0))
    done = run("doctor", code=1)
    assert "wrong     ridge_period_mean" in done.stdout and "cannot be compared with those of others" in done.stdout
    assert "Something is wrong" in done.stderr


def test_a_failing_self_test_is_a_finding(monkeypatch):
    def broken():
        raise ValueError("no such thing")

    monkeypatch.setattr(doctor, "measure", broken)
    assert "ValueError: no such thing" in run("doctor", code=1).stdout


def test_a_missing_system_library_says_what_to_install(monkeypatch):
    def missing(name):
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
        return json

    monkeypatch.setattr(doctor, "import_module", missing)
    found = doctor.examine()
    (wrong,) = [f for f in found if f.state == "wrong" and f.part == "libraries"]
    assert "apt-get install libgl1" in wrong.advice and not doctor.is_healthy(found)
    assert [f.value for f in found if f.part == "self-test"] == ["not run: libraries are missing"]


def test_two_builds_of_opencv_are_wrong(monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda name: "1.0")
    (wrong,) = [f for f in doctor._libraries() if f.state == "wrong"]
    assert "opencv-python-headless" in wrong.name and "install one" in wrong.advice


def test_a_missing_extra_is_not_wrong(monkeypatch):
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    found = list(doctor._extras())
    assert {f.state for f in found} == {"optional"} and doctor.is_healthy(found)
    assert all(f.value.startswith("not installed (optional): ") for f in found)
    assert "pip install 'ridgefeat[wsq]'" in [f.advice for f in found]

"""Every column has a stored value and every stored value a column; a changed number is a decision."""

import re

import pytest

from ridgefeat.features.family import BUILT_IN, families
from tests.baseline import baseline_values as baseline


@pytest.fixture(scope="module")
def measured():
    return baseline.measure()


def test_every_column_has_a_baseline_and_every_baseline_a_column():
    names = [c.name for c in baseline.columns()]
    assert list(baseline.stored()) == names, 'run make baseline REASON="..."'


@pytest.mark.parametrize("family", BUILT_IN)
def test_values_are_the_stored_ones(measured, family):
    stored = baseline.stored()
    wrong = {
        f"{column.name} of {which}": (stored[column.name][which], measured[column.name][which])
        for column in families()[family].all_columns()
        for which in baseline.PRINTS
        if baseline.differs(column, stored[column.name][which], measured[column.name][which])
    }
    some = dict(list(wrong.items())[:8])
    assert len(wrong) == 0, f'(stored, measured): {some} and so on; if that is meant, run make baseline REASON="..."'


def test_every_column_has_a_value_on_one_of_the_prints():
    unknown = [name for name, values in baseline.stored().items() if not any(v is not None for v in values.values())]
    assert unknown == []


def test_few_columns_are_zero_everywhere():
    zero = [name for name, values in baseline.stored().items() if not any(values.values())]
    assert len(zero) < 25


def test_the_last_reason_is_that_of_the_stored_values():
    entries = re.findall(r"^- `([0-9a-f]{12})` (\S.{9,})$", baseline.CHANGES.read_text("utf-8"), re.MULTILINE)
    assert entries[-1][0] == baseline.digest(baseline.stored())
    assert len({d for d, _ in entries}) == len(entries)


def test_a_change_is_noticed_whatever_its_kind():
    column = next(c for c in baseline.columns() if c.name == "ridge_period_mean")
    assert not baseline.differs(column, 0.45, 0.45 * (1 + 5e-5))
    assert baseline.differs(column, 0.45, 0.45 * 1.001) and baseline.differs(column, 0.45, None)
    assert baseline.differs(column, None, 0.45) and not baseline.differs(column, None, None)
    new = baseline.stored()
    old = {**new, "ridge_gone": {}, "ridge_period_mean": dict.fromkeys(baseline.PRINTS, 0.1)}
    del old["ridge_period_sd"]
    assert baseline.changed(old, new) == (["ridge_period_mean"], ["ridge_period_sd"], ["ridge_gone"])


def test_storing_anew_needs_a_change_and_notes_its_reason(tmp_path, monkeypatch, measured):
    monkeypatch.setattr(baseline, "VALUES", tmp_path / "v.json")
    monkeypatch.setattr(baseline, "CHANGES", tmp_path / "c.md")
    monkeypatch.setattr(baseline, "measure", lambda: measured)
    note = baseline.update("The first values.")
    assert note == f"- `{baseline.digest(measured)}` The first values. New: {len(measured)} columns."
    assert baseline.stored() == measured and baseline.update("Again.") == "Nothing changed."
    assert baseline.CHANGES.read_text("utf-8").splitlines()[-1] == note
    other = {**measured, "ridge_area": dict.fromkeys(baseline.PRINTS, 1.0)}
    monkeypatch.setattr(baseline, "measure", lambda: other)
    assert baseline.update("Area measured otherwise.").endswith(" Area measured otherwise. Moved: ridge 1.")
    assert baseline.stored() == other

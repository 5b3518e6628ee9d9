import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgefeat.errors import ParameterError
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.params import RENAMED_PARAMETERS, Params, parameter_records
from ridgefeat.stages.period import PeriodParams
from ridgefeat.synth.simple import grating, rings

STAGES = [f.name for f in dataclasses.fields(Params)]
KNOBS = [(s, f) for s in STAGES for f in dataclasses.fields(getattr(Params(), s))]
EVERY = pytest.mark.parametrize(("stage", "knob"), KNOBS, ids=[f"{s}.{f.name}" for s, f in KNOBS])


def other_value(knob):
    """A value in the knob's range that is not its default."""
    low, high = knob.metadata["low"], knob.metadata["high"]
    value = high if knob.default != high else low
    return int(value) if isinstance(knob.default, int) else float(value)


# Every parameter of every stage


@EVERY
def test_docstrings_list_every_field(stage, knob):
    doc = type(getattr(Params(), stage)).__doc__
    line = next(line for line in doc.splitlines() if line.strip().startswith(f"{knob.name} :"))
    assert type(knob.default).__name__ in line and f"default {knob.default:g}" in line
    assert f"{knob.metadata['low']:g} to {knob.metadata['high']:g}" in line
    assert knob.metadata["unit"] in line and knob.metadata["meaning"] in doc


@EVERY
def test_any_value_changes_the_digest(stage, knob):
    changed = Params.from_dict({stage: {knob.name: other_value(knob)}})
    assert changed.digest != Params().digest and changed != Params()


@EVERY
def test_values_out_of_range_or_of_another_type_are_refused(stage, knob):
    where = rf"^parameters: \w+\.{knob.name} must "
    low, high = knob.metadata["low"], knob.metadata["high"]
    kind = type(knob.default)
    beyond = [kind(high + 1), kind(low - 1)]
    if kind is float:
        beyond += [float("nan"), float("inf"), 10**400]
    for value in beyond:
        with pytest.raises(ParameterError, match=where + "lie between"):
            Params.from_dict({stage: {knob.name: value}})
    for value in ["9", None, True, [1], {}] + ([9.0] if kind is int else []):
        with pytest.raises(ParameterError, match=where + f"be of type {kind.__name__}"):
            Params.from_dict({stage: {knob.name: value}})


# To dictionaries and back


def test_parameters_survive_json():
    params = Params.from_dict({s: {k.name: other_value(k)} for s, k in KNOBS})
    again = Params.from_dict(json.loads(json.dumps(params.to_dict())))
    assert again == params and again.digest == params.digest


def test_what_is_left_out_keeps_its_default_and_whole_numbers_do_for_floats():
    assert Params.from_dict({}) == Params() and hash(Params()) == hash(Params())
    params = Params.from_dict({"period": {"smoothing": 12}})
    assert params.period.smoothing == 12.0 and isinstance(params.period.smoothing, float)
    assert params.period.longest == Params().period.longest and params.gabor == Params().gabor
    assert params.digest == Params.from_dict({"period": {"smoothing": 12.0}}).digest


def test_every_renamed_parameter_is_called_by_its_new_name():
    new = {record["name"] for record in parameter_records()}
    assert len(RENAMED_PARAMETERS) == 10
    assert set(RENAMED_PARAMETERS.values()) <= new and not set(RENAMED_PARAMETERS) & new
    with pytest.raises(ParameterError, match=r"no parameter 'flags\.least_area'; it is called flags\.min_area since"):
        Params().updated(["flags.least_area=5"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"perid": {}}, "unknown stage 'perid'; did you mean period?"),
        ({"zzz": {}}, "unknown stage 'zzz'; there are: normalisation, segmentation"),
        ({"period": {"smothing": 1}}, "unknown parameter 'period.smothing'; did you mean period.smoothing?"),
        ({"period": {"zzz": 1}}, "unknown parameter 'period.zzz'; there are: smoothing"),
        (
            {"minutiae": {"least_quality": 50}},
            "no parameter 'minutiae.least_quality'; it is called minutiae.min_quality since 0.2",
        ),
        ({"period": 3}, "period must be an object, got 3"),
        ({"period": None}, "period must be an object, got null"),
        ([1, 2], "it must be an object, got a list"),
        ("text", 'it must be an object, got "text"'),
    ],
)
def test_what_is_unknown_is_named_with_the_nearest(values, message):
    with pytest.raises(ParameterError) as caught:
        Params.from_dict(values)
    assert str(caught.value).startswith(f"parameters: {message}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*STAGES, "smoothing", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_any_json_gives_parameters_or_a_named_error(values):
    try:
        params = Params.from_dict(values)
    except ParameterError as error:
        assert str(error).startswith("parameters: ")
    else:
        assert isinstance(params, Params)


# Files


def test_a_file_is_read(tmp_path):
    path = tmp_path / "p.json"
    path.write_text('{"minutiae": {"trace": 12}, "period": {"smoothing": 8}}')
    params = Params.load(path)
    assert (params.minutiae.trace, params.period.smoothing) == (12, 8.0)
    assert Params.load(str(path)) == params


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(ParameterError, match=r"parameter file .*none\.json: no such file, or not a regular one"):
        Params.load(tmp_path / "none.json")
    with pytest.raises(ParameterError, match=rf"parameter file {tmp_path}: no such file, or not a regular one"):
        Params.load(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"no json", b'{"period": ', b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' * 50_000, b"\x00" * 100],
    ids=["empty", "text", "cut", "bytes", "lists", "objects", "zeros"],
)
def test_what_is_no_json_is_named(tmp_path, content):
    path = tmp_path / "p.json"
    path.write_bytes(content)
    with pytest.raises(ParameterError, match=r"parameter file .*p\.json is not JSON: "):
        Params.load(path)


def test_errors_in_a_file_name_the_file(tmp_path):
    path = tmp_path / "p.json"
    path.write_text('{"period": {"smoothing": 900}}')
    with pytest.raises(ParameterError, match=r"p\.json: PeriodParams\.smoothing must lie between 0 and 64 px, got 900"):
        Params.load(path)
    path.write_text('{"period": {"smothing": 1}}')
    with pytest.raises(ParameterError, match=r"p\.json: unknown parameter 'period\.smothing'; did you mean"):
        Params.load(path)
    path.write_text("[]")
    with pytest.raises(ParameterError, match=r"p\.json: it must be an object, got a list"):
        Params.load(path)


# Assignments


def test_assignments():
    params = Params().updated(["period.smoothing=12", " minutiae.trace = 8 ", "period.smoothing=13.5"])
    assert params.period.smoothing == 13.5 and params.minutiae.trace == 8
    assert Params().updated([]) == Params()
    assert params.updated(["gabor.orientations=16"]).period.smoothing == 13.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("period.smoothing", "parameter 'period.smoothing' must read stage.name=value"),
        ("", "parameter '' must read stage.name=value"),
        ("period.smothing=1", "unknown parameter 'period.smothing'; did you mean period.smoothing?"),
        ("smoothing=1", "unknown parameter 'smoothing'; did you mean "),
        ("=1", "unknown parameter ''; there are: normalisation."),
        ("period.smoothing=", "parameter period.smoothing: '' is not a number"),
        ("period.smoothing=wide", "parameter period.smoothing: 'wide' is not a number"),
        ("period.smoothing=1" + 9000 * "0", "parameter period.smoothing: "),
        ("period.smoothing=1" + 400 * "0", "parameters: PeriodParams.smoothing must lie between 0 and 64 px"),
        ("period.smoothing=true", "parameters: PeriodParams.smoothing must be of type float, got True"),
        ("period.smoothing=NaN", "parameters: PeriodParams.smoothing must lie between 0 and 64 px, got nan"),
        ("minutiae.trace=8.5", "parameters: MinutiaeParams.trace must be of type int, got 8.5"),
    ],
)
def test_assignments_that_do_not_work_say_why(text, message):
    with pytest.raises(ParameterError) as caught:
        Params().updated([text])
    assert str(caught.value).startswith(message)


def test_parameters_are_frozen_and_given_by_name():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PeriodParams().smoothing = 2
    with pytest.raises(TypeError):
        PeriodParams(2.5)


# Parameters reach their stage


@pytest.mark.parametrize(
    ("assignment", "stage"),
    [
        ("normalisation.window=65", "normalised"),
        ("gabor.angular_deviation=20", "gabor"),
        ("orientation.smoothing=30", "orientation"),
        ("period.smoothing=40", "period"),
        ("enhancement.angular_deviation=30", "enhanced"),
        ("skeleton.level=-0.5", "binary"),
        ("minutiae.border=64", "minutiae"),
        ("segmentation.min_area=500", "mask"),
        ("singular_points.border=64", "singular_points"),
        ("flags.min_area=1000", "flags"),
    ],
)
def test_a_parameter_reaches_its_stage(assignment, stage):
    image = grating((160, 160), 9.0, 0.4).image
    image[:, 80:] = rings((160, 160), 8.0, (120.0, 80.0)).image[:, 80:]

    def result(params):
        made = getattr(Fingerprint(image, params=params), stage)
        arrays = vars(made).values() if dataclasses.is_dataclass(made) else [made]
        return made if stage == "flags" else [array.tobytes() for array in arrays]

    assert result(Params().updated([assignment])) != result(Params())

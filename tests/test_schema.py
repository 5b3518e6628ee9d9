from typing import Literal, Required, TypedDict

import pytest

from ridgefeat.schema import check_schema


class Inner(TypedDict, total=False):
    name: Required[str]
    low: float | None


class Outer(TypedDict, total=False):
    kind: Required[Literal["a", "b"]]
    inner: Required[list[Inner]]
    pair: tuple[int, str]
    counts: dict[str, int]
    dpi: tuple[float, float] | None
    flag: bool


GOOD = {"kind": "a", "inner": [{"name": "x", "low": 1, "new": [1]}], "pair": [1, "x"], "counts": {"k": 3}, "dpi": None}


def test_what_fits_is_given_back_with_keys_that_are_not_known():
    content = {**GOOD, "added": object()}
    assert check_schema(content, Outer, "file", ValueError) is content
    assert check_schema({**GOOD, "dpi": [500, 500.5], "flag": True}, Outer, "file", ValueError)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "c"}, r"^file: kind must be 'a' or 'b', got \"c\"$"),
        ({"inner": {}}, "inner must be a list, got an object of 0"),
        ({"inner": [{"name": "x"}, {}]}, r"inner\[1\]\.name must be text, got nothing"),
        ({"inner": [{"name": "x", "low": "y" * 99}]}, r'inner\[0\]\.low must be a number or null, got "y{39}$'),
        ({"inner": [{"name": "x", "low": float("nan")}]}, r"inner\[0\]\.low must be a number or null, got NaN"),
        ({"inner": [{"name": "x", "low": 10**5000}]}, "got a number of more than 64 bits"),
        ({"pair": [1]}, "pair must be a list of 2, got a list of 1"),
        ({"pair": [True, "x"]}, r"pair\[0\] must be a whole number, got true"),
        ({"counts": {"k": 2.5}}, r"counts\.k must be a whole number, got 2.5"),
        ({"dpi": [500, None]}, r"dpi\[1\] must be a number, got null"),
        ({"flag": 1}, "flag must be true or false, got 1"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(change, message):
    with pytest.raises(ValueError, match=message):
        check_schema({**GOOD, **change}, Outer, "file", ValueError)


def test_what_is_no_object_at_all():
    with pytest.raises(ValueError, match=r"^file: it must be an object, got a list of 1$"):
        check_schema([1], Outer, "file", ValueError)

import pytest

from ridgefeat.errors import ParameterError
from ridgefeat.sources import parse_dpi, resolve_dpi


def test_one_number_or_two():
    assert parse_dpi(" 508.5 , 500") == (508.5, 500)


@pytest.mark.parametrize("text", ["", "five", "1,2,3", "500,", "nan", "49", "5001", "500,0", "inf", "500x500"])
def test_anything_else_is_refused(text):
    with pytest.raises(ParameterError, match="resolution must"):
        parse_dpi(text)


def test_the_users_word_comes_first_then_the_set_then_the_header():
    assert resolve_dpi((300, 310), (500, 500), (569, 569)) == (300, 310, "given", ())
    assert resolve_dpi(1000, (500, 500), None) == (1000, 1000, "given", ())
    assert resolve_dpi(None, (199, 173), (96, 96)) == (199, 173, "layout", ())
    assert resolve_dpi(None, (199, 173), None, known_origin="index")[2] == "index"
    assert resolve_dpi(None, None, (569, 570)) == (569, 570, "header", ())
    assert resolve_dpi(None, None, None) == (500, 500, "assumed", ("resolution_assumed",))


@pytest.mark.parametrize("header", [(72, 72), (96.01, 96.01), (249, 500), (500, 1), (20000, 20000)])
def test_a_header_that_no_sensor_has_is_not_believed(header):
    assert resolve_dpi(None, None, header) == (500, 500, "assumed", ("resolution_assumed", "header_resolution_ignored"))

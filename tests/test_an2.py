"""Worked values of functions that other modules rest on."""

from ridgefeat.an2 import is_transaction, nominal_dpi, split


def test_is_transaction():
    assert (is_transaction(b"1.001:259\x1d1.002:0500\x1d"), is_transaction(b"1.0,2.0")) == (True, False)


def test_split():
    whole = b"1.001:24\x1d1.003:1\x1f1\x1e2\x1f00\x1c2.001:18\x1d2.002:00\x1c"
    assert ([(r.kind, r.start, r.stop) for r in split(whole)[0]], split(whole)[1]) == ([(1, 0, 24), (2, 24, 42)], None)
    assert (split(whole[:-3])[1]) == "breaks off in record 2 (type 2), which claims 18 bytes where 15 are left"


def test_nominal_dpi():
    assert (nominal_dpi(197 * 2.54, 1.27), nominal_dpi(25.4 * 39.37, 0.127), nominal_dpi(512, 0.5)) == (
        500.0,
        1000.0,
        512,
    )

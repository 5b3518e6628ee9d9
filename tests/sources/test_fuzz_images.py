"""Damaged and hostile bytes give an ImageError or pixels, nothing else; tests/test_attack.py has mutations."""

import random

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ridgefeat.errors import ImageError
from ridgefeat.sources import decode_image

MAGIC = [b"", b"BM", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"P2 ", b"P5\n", b"P4 ", b"GIF89a"]
MAGIC += [b"RIFF\0\0\0\0WEBPVP8L", b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51", b"\xff\xa0\xff"]


def survives(data: bytes) -> bool:
    """Whether the bytes decode; anything but an ImageError with a message fails the test."""
    try:
        pixels = decode_image(data, "x", max_pixels=1_000_000).pixels
    except ImageError as error:
        assert len(str(error)) > 10
        return False
    assert pixels.dtype == np.uint8 and pixels.ndim == 2 and 0 < pixels.size <= 1_000_000
    return True


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(MAGIC), st.binary(max_size=300))
def test_random_bytes_behind_every_magic_number(magic, rest):
    survives(magic + rest)


def test_truncations_of_whole_files(samples):
    rng = random.Random(6)
    for name, data in samples.items():
        whole = decode_image(data).pixels
        for cut in {1, 2, 3, *(rng.randrange(1, len(data)) for _ in range(20))}:
            # A plain grey map may lose digits of its last number unseen.
            if survives(data[:-cut]) and not (name == "pnm plain" and cut < 4):
                # What a file has behind its last pixel may go: padding, an unused tag, the end mark of a GIF.
                assert cut < 32, (name, cut)
                assert np.array_equal(decode_image(data[:-cut]).pixels, whole), (name, cut)

"""Packed pixels come back as they were, whatever they are, and take less room where they can."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from video_star.video.packing import packed, unpacked

SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9), st.just(3))


@given(arrays(np.uint8, SHAPES))
def test_pixels_come_back_as_they_were(pixels: np.ndarray) -> None:
    before = pixels.copy()
    again = unpacked(packed(pixels), pixels.shape)
    assert np.array_equal(again, before)
    assert np.array_equal(pixels, before)
    assert again.dtype == np.uint8
    assert again.flags.c_contiguous
    assert again.flags.writeable


def test_noise_and_large_pictures_come_back_as_they_were() -> None:
    random = np.random.default_rng(0)
    for shape in ((2, 1921, 1081, 3), (300, 20, 30, 3), (1, 4000, 3, 3)):
        for colours in (2, 200, 256):
            pixels = random.integers(0, colours, shape, dtype=np.uint8)
            assert np.array_equal(unpacked(packed(pixels), shape), pixels)


def test_smooth_pictures_take_a_fraction_of_their_size() -> None:
    ramp = np.arange(256, dtype=np.uint8)
    pixels = np.broadcast_to((ramp[:, None] // 2 + ramp // 2)[..., None], (4, 256, 256, 3))
    assert len(packed(pixels)) < pixels.size / 20

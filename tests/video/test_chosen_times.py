"""Frame times from the packets alone: those of the frames that are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.core.params import VideoParams
from video_star.video.decode import chosen_times, read_frames
from video_star.video.isolated import LIMITS, chosen_times_apart

PARAMS = [
    {"frames": 4, "sampling": "uniform", "fps": None},
    {"frames": 5, "sampling": "middle", "fps": None},
    {"frames": 6, "sampling": "fps", "fps": 3.0},
    {"frames": 30, "sampling": "uniform", "fps": None},
]


@pytest.mark.parametrize("raw", PARAMS, ids=lambda raw: f"{raw['sampling']}-{raw['frames']}")
@pytest.mark.parametrize("cut", [(None, None), (0.3, None), (0.3, 1.1), (0.51, 0.52)])
@pytest.mark.parametrize("uneven", [False, True])
def test_they_are_those_of_the_frames(
    tmp_path: Path, raw: dict[str, Any], cut: tuple[float | None, float | None], uneven: bool
) -> None:
    times = [0, 40, 300, 310, 700, 910, 1000, 1400] if uneven else None
    path = tiny.write_clip(tmp_path / "a.mp4", tiny.grey_steps(8, 64, 64), times=times)
    params = VideoParams.model_validate({"short_side": None, **raw})
    clip = Clip(path, *cut)
    assert chosen_times(clip, params) == read_frames(clip, params).times
    assert chosen_times_apart(clip, params, LIMITS) == chosen_times(clip, params)


def test_a_folder_of_images_has_none(tmp_path: Path) -> None:
    params = VideoParams(frames=2, sampling="uniform", fps=None, short_side=None)
    assert chosen_times(Clip(tmp_path, None, None), params) is None


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no video")
    params = VideoParams(frames=2, sampling="uniform", fps=None, short_side=None)
    with pytest.raises(VideoError, match=r"a\.mp4"):
        chosen_times_apart(Clip(path, None, None), params, LIMITS)

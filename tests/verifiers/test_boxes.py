"""Boxes: how they are written, which one is asserted, and how corners are compared."""

from __future__ import annotations

import pytest
from asked import verify_params
from numeric import BOX, check_place, judged

from video_star.labels import BoxLabel
from video_star.verifiers.boxes import box_iou

PARAMS = verify_params()
ASKED = "Where is the cup? Give its box as [x1, y1, x2, y2], in fractions of width and height."


@pytest.mark.parametrize(
    "text",
    [
        "[0.1, 0.2, 0.5, 0.9]",
        "(0.1,0.2,0.5,0.9)",
        "[.1,.2,.5,.9]",
        "[0.10 0.20 0.50 0.90]",
        "0.1, 0.2, 0.5, 0.9",
        "[[0.1,0.2],[0.5,0.9]]",
        "<box>(0.1,0.2),(0.5,0.9)</box>",
        "<box>0.1 0.2 0.5 0.9</box>",
        "(0.1, 0.2) to (0.5, 0.9)",
        '{"x1": 0.1, "y1": 0.2, "x2": 0.5, "y2": 0.9}',
        '{"bbox_2d": [0.1, 0.2, 0.5, 0.9], "label": "cup"}',
        "x1=0.1, y1=0.2, x2=0.5, y2=0.9",
        "xmin: 0.1, ymin: 0.2, xmax: 0.5, ymax: 0.9",
        "top-left (0.1, 0.2) bottom-right (0.5, 0.9)",
        "The upper-left corner is at x=0.1, y=0.2 and the lower-right corner at x=0.5, y=0.9.",
        "bottom right (0.5, 0.9), top left (0.1, 0.2)",
        "top right (0.5, 0.2), bottom left (0.1, 0.9)",
        "x from 0.1 to 0.5 and y from 0.2 to 0.9",
        "from 10% to 50% of the width and from 20% to 90% of the height",
        "left 10%, top 20%, right 50%, bottom 90%",
        "[10%, 20%, 50%, 90%]",
        "[10, 20, 50, 90] (in percent)",
        "At 2.0 seconds the cup is at [0.1, 0.2, 0.5, 0.9] in the center of the frame.",
        "not at [0.5, 0.0, 1, 0.4], but at [0.1, 0.2, 0.5, 0.9]",
        "The table is at [0.5, 0.0, 1, 0.4]. The cup is at [0.1, 0.2, 0.5, 0.9].",
        "The cup is at [0.1, 0.2, 0.5, 0.9]. The table is at [0.5, 0.0, 1, 0.4].",
        "[0.5, 0.0, 1, 0.4], no, [0.1, 0.2, 0.5, 0.9]",
        "[0.1, 0.2, 0.5, 0.9] or [0.1, 0.2, 0.5, 0.88]",
    ],
)
def test_a_box_passes_however_it_is_written(text: str) -> None:
    found = judged(BOX, text, PARAMS, ASKED)
    check_place(found, text)
    assert found.passed, found
    assert found.score > 0.9


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no box"),
        ("in the lower left", "no box"),
        ("[0.1, 0.2, 0.5]", "no box"),
        ("[0.1, 0.2, 0.5, 0.9, 0.3]", "no box"),
        ("[100, 200, 500, 900]", "no box"),
        ("[10, 20, 50, 90]", "no box"),
        ("[-0.1, 0.2, 0.5, 0.9]", "no box"),
        ("at 0.1, 0.2, 0.5, 0.9 seconds", "no box"),
        ("0.1 litres, 0.2 in the glass, 0.5 in the jug and 0.9 in the pot", "no box"),
        ("[0.5, 0.9, 0.1, 0.2]", "no match"),
        ("[0.5, 0.0, 1, 0.4]", "no match"),
        ("[0.2, 0.1, 0.9, 0.5]", "no match"),
        ("not at [0.1, 0.2, 0.5, 0.9]", "negated"),
        ("[0.1, 0.2, 0.5, 0.9] is not the cup", "negated"),
        ("Is it [0.1, 0.2, 0.5, 0.9]?", "not asserted"),
        ("either [0.1, 0.2, 0.5, 0.9] or [0.5, 0, 1, 1]", "several answers"),
        ("The table is at [0.1, 0.2, 0.5, 0.9], the cup is at [0.5, 0.0, 1, 0.4].", "no match"),
        ("[0.1, 0.2, 0.5, 0.9], no, wait, [0.5, 0.0, 1, 0.4]", "no match"),
    ],
)
def test_a_box_that_is_not_asserted_fails_for_its_reason(text: str, reason: str) -> None:
    found = judged(BOX, text, PARAMS, ASKED)
    check_place(found, text)
    assert found.reason == reason


def test_boxes_are_corners_not_centres() -> None:
    label = BoxLabel(xyxy=(0.5, 0.5, 0.9, 0.9))
    # As centre and size these two would overlap by more than a half; as corners by a sixth.
    found = judged(label, "[0.5, 0.6, 0.6, 0.9]", PARAMS, ASKED)
    assert found.score == pytest.approx(0.03 / 0.16)
    centre = judged(BOX, "[0.3, 0.55, 0.4, 0.7]", PARAMS, ASKED)
    assert not centre.passed


@pytest.mark.parametrize(
    "text",
    [
        "center x 0.3, center y 0.55, width 0.4, height 0.7: [0.1, 0.2, 0.5, 0.9]",
        "The [x, y, w, h] box is [0.1, 0.2, 0.5, 0.9]",
        "{'x': 0.1, 'y': 0.2, 'w': 0.5, 'h': 0.9}",
        "center (0.1, 0.2), size (0.5, 0.9)",
    ],
)
def test_centres_and_sizes_are_refused(text: str) -> None:
    assert judged(BOX, text, PARAMS, ASKED).reason == "no box"


def test_a_box_without_decimal_points_is_read() -> None:
    whole = BoxLabel(xyxy=(0, 0, 1, 1))
    assert judged(whole, "[0, 0, 1, 1]", PARAMS, ASKED).score == 1
    assert judged(BoxLabel(xyxy=(0, 0.5, 0.5, 1)), "[0,0.5,.5,1]", PARAMS, ASKED).score == 1


def test_an_iou_at_the_threshold_is_rejected_and_one_above_it_accepted() -> None:
    label = BoxLabel(xyxy=(0, 0, 1, 1))
    assert not judged(label, "[0, 0, 0.5, 1]", PARAMS, ASKED).passed
    assert judged(label, "[0, 0, 0.51, 1]", PARAMS, ASKED).passed


def test_the_iou_of_boxes_is_their_overlap() -> None:
    assert box_iou((0, 0, 0.5, 1), (0.25, 0, 0.75, 1)) == pytest.approx(1 / 3)
    assert box_iou((0.5, 0.5, 0.1, 0.1), (0, 0, 1, 1)) == 0

"""Thoughts and special tokens are no part of an answer; everything else of it stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_star.evaluation.benchmarks.answer_text import bare
from video_star.evaluation.benchmarks.tempcompass_official import Match, match_multi_choice
from video_star.evaluation.benchmarks.video_qa_rules import contains, exact


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        ("boat</s>", "boat"),
        ("<s> C<|im_end|>\n", "C"),
        ("Yes<|eot_id|>", "Yes"),
        ("65.6<|endoftext|><|im_start|>", "65.6"),
        ("<|begin_of_box|>C<|end_of_box|><|user|>", "C"),
        ("The answer is <|begin_of_box|>C<|end_of_box|>.", "The answer is C."),
        ("no<\uff5cend\u2581of\u2581sentence\uff5c>", "no"),
        ("B<end_of_turn>", "B"),
        ("[INST] [/INST] a boat", "a boat"),
        ("<answer>B</answer>", "B"),
        ("<think>Is it A?\nNo.</think>\n\nB. fast", "B. fast"),
        ("Is it A? No.</think>B", "B"),
        ("<think>It may be", ""),
        ("</s>", ""),
        ("", ""),
        # Markup and other brackets are the model's words.
        ("**B. fast**", "**B. fast**"),
        ("a <b>bold</b> [sic] 1 < 2 > 0 <unknown thing>", None),
        ("- a list\n- of two", None),
        ("It moves from [0.1, 0.2] to [0.3, 0.4].", None),
    ],
)
def test_the_answer_in_an_output(output: str, answer: str | None) -> None:
    assert bare(output) == (output if answer is None else answer)


@given(st.text("AB.\n*-# xyz"))
def test_a_text_without_brackets_is_only_stripped(text: str) -> None:
    assert bare(text) == text.strip()


@given(st.text())
def test_no_output_raises(text: str) -> None:
    assert bare(bare(text)) is not None


@pytest.mark.parametrize("token", ["</s>", "<|im_end|>", "<|eot_id|>", "<|end_of_box|><|user|>"])
def test_rules_of_benchmarks_see_no_token(token: str) -> None:
    assert exact("A boat.", f"boat{token}")
    assert contains("yes", f"Yes{token}") == (True, "match")
    assert match_multi_choice(bare(f"C{token}"), "C. at 2x") == Match(1, True)

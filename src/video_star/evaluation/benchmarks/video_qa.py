"""Zero-shot open-ended question answering in Video-ChatGPT's file format, any data set.

MSVD, MSRVTT, TGIF and ActivityNet as the field asks them: the prompt is the bare question. Files
and how they are joined: video_qa_files.py. Without a judge there are two numbers by rules of our
own (video_qa_rules.py), `contains` and `exact`. With a judge there are the field's two as well,
`judged_accuracy` and `judged_score` (0..5), by Video-ChatGPT's protocol (video_chatgpt.py), and
`judged_share`, the share of answers that the judge had a readable opinion on. The judge's name is a
slice of each. Published numbers depend on the judge's version by up to ten points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from video_star.core.context import StepContext
from video_star.core.engine import Clip
from video_star.core.jsonl import dump_json, write_text
from video_star.core.records import Score
from video_star.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkParams,
    Item,
    Measure,
    plain_measures,
)
from video_star.evaluation.benchmarks.judging import JudgeParams
from video_star.evaluation.benchmarks.video_chatgpt import PROTOCOL, Answer, judged, with_bounds
from video_star.evaluation.benchmarks.video_qa_files import (
    Gold,
    VideoFolder,
    load,
    load_questions,
    source_of,
)
from video_star.evaluation.benchmarks.video_qa_rules import contains, exact


class VideoQAParams(BenchmarkParams):
    questions: str
    """File of questions (test_q.json), inside the data folder like the others."""
    answers: str
    """File of correct answers (test_a.json)."""
    aligned: bool
    """Whether answers without any question_id may be taken in the order of the questions."""
    videos: str
    """Folder of the videos."""
    judge: JudgeParams | None


class VideoQA(Benchmark[Gold]):
    """The benchmark `video_qa`, also by the name of a data set."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.params = VideoQAParams.model_validate(raw)

    def videos(self, context: StepContext) -> dict[Path, str]:
        """The files that questions are about, each with its recording; none without questions."""
        questions = context.workspace.video(self.params.questions)
        folder = context.workspace.video(self.params.videos)
        if not questions.is_file() or not folder.is_dir():
            return {}
        files, asked = VideoFolder(folder), {own.video for own in load_questions(questions)}
        return {path: source_of(name) for name in asked if (path := files.find(name))}

    def items(self, context: StepContext) -> list[Item[Gold]]:
        """Every question in the order of its file; a video that is missing fails when asked."""
        workspace, params = context.workspace, self.params
        golds = load(
            workspace.video(params.questions), workspace.video(params.answers), params.aligned
        )
        files = VideoFolder(workspace.video(params.videos))
        return [
            Item(
                id=gold.id,
                clip=Clip(
                    files.find(gold.video) or workspace.video(f"{params.videos}/{gold.video}.mp4"),
                    None,
                    None,
                ),
                cluster=source_of(gold.video),
                prompt=gold.question,
                metric="contains",
                slices=() if gold.type is None else (f"type={gold.type}",),
                gold=gold,
            )
            for gold in golds
        ]

    def score(self, item: Item[Gold], text: str) -> Score:
        """The score by the rule `contains`."""
        passed, reason = contains(item.gold.answer, text)
        return item.scored(float(passed), reason)

    def score_all(
        self, context: StepContext, items: Sequence[Item[Gold]], texts: Mapping[str, str]
    ) -> list[Score]:
        """Scores by both rules, and by the judge where there is one."""
        scores = []
        for item in items:
            same = exact(item.gold.answer, texts[item.id])
            scores.append(self.score(item, texts[item.id]))
            scores.append(
                replace(item, metric="exact").scored(float(same), "match" if same else "no match")
            )
        if self.params.judge is not None:
            answers = [
                Answer(item.id, item.gold.question, item.gold.answer, texts[item.id])
                for item in items
            ]
            judge = PROTOCOL.from_params(self.params.judge, context.workspace)
            scores += judged(items, answers, judge)
        return scores

    def measures(self, scores: Sequence[Score]) -> list[Measure]:
        """A number for each rule and each of the judge's, overall and by type of question."""
        return with_bounds(plain_measures(scores))

    def write_predictions(
        self, folder: Path, items: Sequence[Item[Gold]], texts: Mapping[str, str]
    ) -> None:
        """pred.json as the original scripts write it: a list of {id, question, answer, pred}."""
        rows = [
            {
                "id": item.gold.question_id,
                "question": item.gold.question,
                "answer": item.gold.answer,
                "pred": texts[item.id],
            }
            for item in items
            if item.id in texts
        ]
        write_text(folder / "pred.json", dump_json(rows))

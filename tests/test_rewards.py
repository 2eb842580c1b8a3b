"""Rewards, called as TRL, ms-swift and verl call them; the blocks of docs/rewards.md are executed.

None of them is installed: their calls are written as trl 1.16.0 (trainer/grpo_trainer.py), ms-swift
4.6.0 (rl_core/grpo_algorithm.py) and verl 0.9.1 (experimental/reward_loop/reward_manager/naive.py)
have them.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import re
import sys
import types
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from importlib.util import module_from_spec, spec_from_file_location
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from video_star.core.errors import DataError, UsageError
from video_star.core.hashing import stable_hash
from video_star.core.labels import ClassLabel, TimeLabel
from video_star.rewards import FormatReward, LabelReward, classes_of, labels_of, text_of
from video_star.verification import embeddings

PARAMS = tiny.ROOT / "params.yaml"
DOCS = (tiny.ROOT / "docs" / "rewards.md").read_text(encoding="utf-8")
SPORTS = ["surfing", "juggling", "riding a bike"]
SURFING = [{"kind": "class", "name": "surfing"}]
SPAN = [{"kind": "span", "start": 2.0, "end": 4.0, "duration": 10.0}]

RIGHT = "A man stands on a wave.\nAnswer: surfing"
WRONG = "Answer: juggling"
HEDGED = "Answer: maybe surfing"
ANSWERS = [RIGHT, WRONG, HEDGED]


@pytest.fixture(autouse=True)
def _no_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is near to anything else: the embedding model has tests of its own."""

    def encode(texts: list[str]) -> Any:
        return np.stack([np.eye(997, dtype="f4")[stable_hash(text) % 997] for text in texts])

    monkeypatch.setattr(embeddings, "_load", lambda name, location, device: encode)


@pytest.fixture(scope="module")
def reward() -> LabelReward:
    return LabelReward.of(PARAMS, SPORTS)


def test_pass_fail_doubtful(reward: LabelReward) -> None:
    assert reward(ANSWERS, [SURFING] * 3) == [1.0, 0.0, None]
    assert FormatReward()([*ANSWERS, "He is surfing."]) == [1.0, 1.0, 1.0, 0.0]


def test_naming_every_class_pays_nothing(reward: LabelReward) -> None:
    lists = ["Answer: surfing, juggling, riding a bike", "Answer: surfing or juggling"]
    assert 1.0 not in reward(lists, [SURFING] * 2)
    assert LabelReward.of(PARAMS)(lists[:1], [SURFING]) == [1.0]  # what docs/rewards.md warns of


def test_classes_are_those_of_the_data_set() -> None:
    rows: list[dict[str, Any]] = [
        {
            "dataset": "a",
            "labels": [{"kind": "class", "name": "surfing", "synonyms": ["wave riding"]}],
        },
        {"dataset": "a", "labels": json.dumps([{"kind": "class", "name": "juggling"}])},
        {"dataset": "b", "labels": SPAN},
        {"labels": [{"kind": "class", "name": "diving"}]},
    ]
    classes = classes_of(rows)
    assert {group: [c.name for c in own] for group, own in classes.items()} == {
        "a": ["surfing", "juggling"],
        "": ["diving"],
    }
    reward = LabelReward.of(PARAMS, classes, doubtful=0.5)
    both = "Answer: surfing, juggling"
    assert reward([both, both], [SURFING] * 2, dataset=["a", "elsewhere"]) == [0.5, 1.0]
    strict = LabelReward.of(PARAMS, {"a": SPORTS})
    assert strict(["from 2 to 4 seconds"], [SPAN], dataset=["b"]) == [1.0]
    with pytest.raises(DataError, match="none are given for data set 'b', but for 'a'"):
        strict([RIGHT], [SURFING], dataset=["b"])


# TRL ---------------------------------------------------------------------------------------------


def as_trl(
    rewards: Sequence[Any], prompts: list[Any], completions: list[Any], **columns: list[Any]
) -> tuple[list[Any], dict[str, float]]:
    """What each reward gives, and what is logged, as `GRPOTrainer._calculate_rewards` calls."""
    logged: dict[str, float] = {}
    given = {
        "prompts": prompts,
        "completions": completions,
        "completion_ids": [[7]] * len(completions),
        "trainer_state": object(),
        "log_extra": None,
        "log_metric": logged.__setitem__,
    }
    return [one(**given, **columns) for one in rewards], logged


def test_trl_calls_them_with_texts(reward: LabelReward) -> None:
    rewards, labels = [reward, FormatReward()], [SURFING] * 3
    made, logged = as_trl(rewards, ["What is it?"] * 3, ANSWERS, labels=labels, id=["a", "b", "c"])
    assert made == [[1.0, 0.0, None], [1.0] * 3]
    assert logged == {"rewards/label_reward/doubtful": pytest.approx(1 / 3)}


def test_trl_calls_them_with_conversations(reward: LabelReward) -> None:
    prompt = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "video"}, {"type": "text", "text": "What is it?"}]},
    ]
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "zoom"}}]}
    completions = [
        [{"role": "assistant", "content": RIGHT}],
        [call, {"role": "tool", "content": RIGHT}, {"role": "assistant", "content": WRONG}],
        [{"role": "assistant", "content": [{"type": "text", "text": HEDGED}]}],
        [call],
    ]
    made, _ = as_trl([reward], [prompt] * 4, completions, labels=[SURFING] * 4)
    assert made == [[1.0, 0.0, None, 0.0]]


# ms-swift and verl -------------------------------------------------------------------------------


def _written(folder: Path, name: str) -> Path:
    """A python block of docs/rewards.md as a file, with a params.yaml beside it."""
    (block,) = re.findall(rf"```python {name}\n(.*?)```", DOCS, re.DOTALL)
    (folder / "params.yaml").write_text(PARAMS.read_text(encoding="utf-8"), encoding="utf-8")
    path = folder / f"{name}_rewards.py"
    path.write_text(block, encoding="utf-8")
    return path


def _run(path: Path) -> types.ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Orm:
    def __init__(self, args: object = None, **kwargs: object) -> None:
        self.args = args


def test_swift_calls_the_plugin_of_the_docs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orms: dict[str, Any] = {}
    fake = types.ModuleType("swift.rewards")
    fake.__dict__.update(ORM=_Orm, orms=orms)
    monkeypatch.setitem(sys.modules, "swift", types.ModuleType("swift"))
    monkeypatch.setitem(sys.modules, "swift.rewards", fake)
    _run(_written(tmp_path, "swift"))
    conversations = [
        [{"role": "user", "content": "<video>What is it?"}, {"role": "assistant", "content": text}]
        for text in ANSWERS
    ]
    completions = [messages[-1]["content"] for messages in conversations]
    columns = {
        "trainer_state": object(),
        "messages": conversations,
        "is_truncated": [False] * 3,
        "labels": [json.dumps(SURFING)] * 3,
    }
    args = object()
    made = [
        orms[f"video_star_{name}"](args=args)(completions, **columns)
        for name in ("labels", "format")
    ]
    assert made == [[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    assert orms["video_star_labels"](args=args).args is args
    assert orms["video_star_format"]()(["nothing"]) == [0.0]


def test_verl_calls_the_file_of_the_docs(tmp_path: Path) -> None:
    module = _run(_written(tmp_path, "verl"))

    async def score(answer: str) -> Any:
        return await asyncio.get_running_loop().run_in_executor(
            None,
            lambda: module.compute_score(
                data_source="sports",
                solution_str=answer,
                ground_truth=json.dumps(SURFING),
                extra_info={"question": "What is it?", "num_turns": None},
                reward_router_address=None,
            ),
        )

    async def score_all() -> list[Any]:
        return await asyncio.gather(*[score(answer) for answer in [*ANSWERS, "He is surfing."]])

    assert asyncio.run(score_all()) == [
        {"score": 1.2, "doubtful": 0.0, "format": 1.0},
        {"score": 0.2, "doubtful": 0.0, "format": 1.0},
        {"score": 0.2, "doubtful": 1.0, "format": 1.0},
        {"score": 1.0, "doubtful": 0.0, "format": 0.0},
    ]


def test_verl_takes_the_method_alone(reward: LabelReward) -> None:
    given = {"data_source": "sports", "ground_truth": np.array(SURFING, object)}
    score = pickle.loads(pickle.dumps(reward.compute_score))
    assert score(solution_str=RIGHT, extra_info=None, **given) == {"score": 1.0, "doubtful": 0.0}
    assert score(solution_str=HEDGED, **given) == {"score": 0.0, "doubtful": 1.0}
    assert reward.compute_score("sports", RIGHT, "[]") == {"score": 0.0, "doubtful": 0.0}


def test_the_trainer_of_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, Any] = {}

    class Trainer:
        def __init__(self, **given: Any) -> None:
            made.update(given)

        def train(self) -> None:
            made["trained"] = True

    class Rows(list[dict[str, Any]]):
        def select_columns(self, names: list[str]) -> list[dict[str, Any]]:
            return [{name: row[name] for name in names} for row in self]

    rows = Rows([{"prompt": "?", "labels": SURFING, "dataset": "sports"}])
    trl, datasets = types.ModuleType("trl"), types.ModuleType("datasets")
    trl.__dict__.update(GRPOTrainer=Trainer, GRPOConfig=dict)
    datasets.__dict__.update(load_dataset=lambda *given, **named: rows)
    monkeypatch.setitem(sys.modules, "trl", trl)
    monkeypatch.setitem(sys.modules, "datasets", datasets)
    path = _written(tmp_path, "trl")
    monkeypatch.chdir(tmp_path)
    _run(path)
    assert made["trained"]
    labels, form = made["reward_funcs"]
    assert labels.classes == {"sports": (ClassLabel(name="surfing"),)}
    assert len(made["args"]["reward_weights"]) == len(made["reward_funcs"])
    assert form([RIGHT]) == [1.0]


# Processes and threads ---------------------------------------------------------------------------


def test_a_pickled_reward_judges_in_another_process() -> None:
    reward = LabelReward.of(PARAMS, doubtful=0.5)
    given = ["from 2 to 4 seconds", "from 6 to 9 seconds", ""], [SPAN, SPAN, []]
    assert reward(*given) == [1.0, 0.0, 0.5]  # used, and pickled all the same
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(reward, *given).result(60) == [1.0, 0.0, 0.5]
        assert pool.submit(FormatReward(), ANSWERS).result(60) == [1.0] * 3


def test_eight_threads_load_one_embedding_model(monkeypatch: pytest.MonkeyPatch) -> None:
    loads, inside, most = [], [0], [0]

    def load(name: str, location: str, device: str | None) -> Callable[[list[str]], Any]:
        loads.append(name)

        def encode(texts: list[str]) -> Any:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            vectors = np.array([[len(t), t.count("door"), t.count("cup")] for t in texts], "f4")
            inside[0] -= 1
            return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

        return encode

    monkeypatch.setattr(embeddings, "_load", load)
    reward = LabelReward.of(PARAMS)
    label = [{"kind": "text", "text": "The person opens the door."}]
    answers = [f"The person opens the door, take {n}." for n in range(8)]
    assert loads == []
    alone = [reward([answer], [label]) for answer in answers]
    fresh = pickle.loads(pickle.dumps(reward))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda answer: fresh([answer], [label]), answers * 20))
    assert made == alone * 20
    assert alone == [[1.0]] * 8
    assert len(loads) == 2  # one of each reward
    assert most == [1]


# Columns -----------------------------------------------------------------------------------------

MIXED = [
    [{"kind": "class", "name": "surfing"}],
    [{"kind": "span", "start": 2.0, "end": 4.0, "duration": 10.0}],
    [{"kind": "sequence", "names": ["run up", "jump"]}, {"kind": "time", "at": 3.0}],
    [{"kind": "choice", "options": ["a cup", "a box"], "answer": 1}],
]


def test_labels_survive_an_arrow_table() -> None:
    import pyarrow as pa

    table = pa.table({"labels": MIXED})
    cells = table.column("labels").to_pylist()
    assert "names" in cells[0][0]  # each label has the fields of all kinds
    assert [labels_of(cell) for cell in cells] == [labels_of(cell) for cell in MIXED]
    frames = table.column("labels").to_numpy()
    assert [labels_of(cell) for cell in frames] == [labels_of(cell) for cell in MIXED]
    assert [labels_of(json.dumps(cell)) for cell in cells] == [labels_of(cell) for cell in MIXED]
    assert labels_of(TimeLabel(at=3.0).model_dump()) == (TimeLabel(at=3.0),)
    assert labels_of([TimeLabel(at=3.0)]) == (TimeLabel(at=3.0),)


@pytest.mark.parametrize("none", [None, [], "[]", "null", np.array([])])
def test_a_sample_without_labels_has_no_reward(reward: LabelReward, none: Any) -> None:
    assert reward([RIGHT, RIGHT], [none, SURFING]) == [None, 1.0]


@pytest.mark.parametrize(
    "broken",
    ["surfing", '{"kind": "clas"}', [{"name": "surfing"}], [3], 3, [{**SURFING[0], "x": 1}]],
)
def test_broken_labels_are_told(reward: LabelReward, broken: Any) -> None:
    with pytest.raises(DataError, match=r"labels: .* are none"):
        reward([RIGHT], [broken])


def test_mistakes_in_the_set_up_are_told(reward: LabelReward) -> None:
    with pytest.raises(DataError, match="no such column"):
        reward([RIGHT])
    with pytest.raises(UsageError, match="one text"):
        LabelReward.of(PARAMS, "surfing")
    with pytest.raises(UsageError, match=r"params\.yaml"):
        LabelReward.of("nowhere/params.yaml")


def test_the_question_is_that_of_the_column_else_of_the_prompt(reward: LabelReward) -> None:
    """An answer that only repeats the question is none."""
    asked = "A man is surfing. Describe him."
    user = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": asked}]}]
    other = "What is it?"
    assert reward([asked], [SURFING], question=[other]) == [1.0]
    assert reward([asked], [SURFING], question=[asked], prompts=[other]) == [0.0]
    assert reward([asked], [SURFING], question=[None], prompts=[asked]) == [0.0]
    assert reward([asked], [SURFING], prompts=[user]) == [0.0]
    assert reward([asked], [SURFING], messages=[user]) == [0.0]
    score = reward.compute_score("", asked, SURFING, {"question": asked})
    assert score == {"score": 0.0, "doubtful": 0.0}


# Any completion ----------------------------------------------------------------------------------

ODD: list[Any] = [
    None,
    "",
    "\x00\ud800",
    [],
    [None],
    [{}],
    {},
    3,
    [{"role": "assistant"}],
    [{"role": "assistant", "content": None, "tool_calls": []}],
    [
        {
            "role": "assistant",
            "content": [None, 3, {"type": "video"}, {"type": "text", "text": None}],
        }
    ],
    [{"role": "tool", "content": RIGHT}],
    {"role": "user", "content": RIGHT},
]


@pytest.mark.parametrize("completion", ODD, ids=repr)
def test_what_is_no_answer_is_no_right_one(reward: LabelReward, completion: Any) -> None:
    assert reward([completion], [SURFING]) == [0.0]
    assert FormatReward()([completion]) == [0.0]


def test_the_text_of_a_completion() -> None:
    assert text_of({"role": "assistant", "content": RIGHT}) == RIGHT
    assert text_of([{"content": RIGHT}]) == RIGHT
    parts = [{"type": "thinking", "thinking": WRONG}, {"type": "text", "text": "a"}, "b"]
    assert text_of([{"role": "assistant", "content": parts}]) == "a\nb"

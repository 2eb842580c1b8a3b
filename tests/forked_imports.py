"""All that a training process imports before its first step."""

from __future__ import annotations

import gc

import deepspeed
import deepspeed.runtime.zero.muon.original_muon

deepspeed.ops.__compatible_ops__  # noqa: B018 - looks for a compiler and other programs
gc.freeze()  # no collection of a fork looks through all that again

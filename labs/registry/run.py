"""The lab from start to end: data, the base model's answers, a version for each recipe, and which is better by how much."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.problem import ExitCode, Problem, Refused
from labs.registry import forward, llama, recipes, tickets, train, weights
from labs.registry import scoring as judge
from labs.registry.recipes import Plan, Recipe
from labs.registry.report import Result
from labs.registry.scoring import Answers
from labs.registry.track import EVALUATION, TRAINING, Tracker

Say = Callable[[str], None]
CHECKED = 4
"""Prompts over which the forward pass is compared with llama.cpp's."""
WAYS = (
    ("asked as the versions are", tickets.SYSTEM, ""),
    ("told the teams, held to the format", tickets.TOLD, tickets.GRAMMAR),
)
"""How the base model is asked: the better of these is what a version has to beat."""


@dataclass
class Lab:
    """One call of the lab in `folder`, where progress is kept so that a call that was cut goes on."""

    folder: Path
    plan: Plan
    say: Say
    data: tickets.Split = field(init=False)
    model: Path = field(init=False)
    tracker: Tracker = field(init=False)

    def __post_init__(self) -> None:
        self.data = tickets.split(self.plan.seed, self.plan.held_out)
        self.model = llama.base()
        self.digest = weights.file_digest(self.model)
        self.digests = (tickets.digest(self.data.train), tickets.digest(self.data.held_out), self.digest)

    def run(self, url: str) -> tuple[dict[str, Answers], list[Result]]:
        """Everything against the MLflow server at `url`: the base's answers by way, and each version's result."""
        base = {"name": self.model.stem, "digest": f"sha256:{self.digest}"}
        self.tracker = tracker = Tracker.opened(url, self.plan, base)
        self.say(
            f"{len(self.data.train)} tickets to train on (sha256 {self.digests[0][:12]}), {len(self.data.held_out)} held out "
            f"(sha256 {self.digests[1][:12]}): other sentences, other nouns; seed {self.plan.seed}"
        )
        answers = self._base(tracker)
        strongest = answers[judge.best(answers)]
        prepared: list[Any] = []
        return answers, [self._version(tracker, recipe, strongest, base, prepared) for recipe in self.plan.recipes]

    def _base(self, tracker: Tracker) -> dict[str, Answers]:
        key = recipes.key(Recipe(name="base", rank=0, steps=0, rate=0), self.plan.seed, *self.digests, repr(WAYS))
        file = self.folder / f"base-{key}.json"
        if not file.exists():
            found: dict[str, list[str]] = {}
            with llama.serving(self.model, self.folder / "llama.log") as served:
                self._same_text(served)
                for way, system, grammar in WAYS:
                    found[way] = list(self._asked(served, f"base, {way}", system, grammar).said)
            _write(file, json.dumps(found, indent=1))
        said = json.loads(file.read_text(encoding="utf-8"))
        answers = {way: Answers(tickets=self.data.held_out, said=tuple(said[way])) for way, *_ in WAYS}
        run = tracker.begun(key, "base", {"rank": 0, "steps": 0}, {"form": self._form}, self.data, [EVALUATION])
        strongest = answers[judge.best(answers)]
        tracker.metrics(run, {"held_out_accuracy": strongest.accuracy, "held_out_in_format": strongest.in_format})
        tracker.text(run, file.read_text(encoding="utf-8"), "answers.json")
        tracker.finished(run)
        for way, each in answers.items():
            self.say(f"base, {way}: {sum(each.right)} of {len(each.said)} right")
        return answers

    @property
    def _form(self) -> str:
        return "SHORT" if self.plan.short else "full"

    def _same_text(self, served: llama.Llama) -> None:
        """Refuses when the model's chat template makes another text than the one that is trained on."""
        text = self.data.train[0].text
        made = served.template(tickets.chat(text))
        if made != tickets.prompt(text):
            summary = "the model's chat template is not the text that the lab trains on"
            raise Refused(
                Problem(summary=summary, found=repr(made), allowed=repr(tickets.prompt(text))), ExitCode.FAILED
            )

    def _asked(self, served: llama.Llama, who: str, system: str = tickets.SYSTEM, grammar: str = "") -> Answers:
        total = len(self.data.held_out)
        return judge.asked(
            lambda text: served.chat(tickets.chat(text, system), grammar),
            self.data.held_out,
            lambda count: self.say(f"  {who}: {count}/{total} answered"),
        )

    def _prepared(self) -> Any:
        """The base's weights, and every ticket as tokens; refused when JAX does not compute what llama.cpp does."""
        self.say("reading the base model's weights")
        base = weights.read(self.model)
        arrays = forward.arrays(base)
        with llama.serving(self.model, self.folder / "llama.log") as served:
            self._same_text(served)
            heads = [served.tokens(tickets.prompt(ticket.text)) for ticket in self.data.train]
            tails = {team: served.tokens(tickets.answer(team) + tickets.END) for team in tickets.TEAMS}
            found = forward.difference(served, arrays, base.shape, heads[:CHECKED])
        forward.check(found)
        self.say(f"JAX and llama.cpp agree: log-probabilities differ by {found:.3f} on average (bound {forward.BOUND})")
        examples = [(head, tails[each.team]) for head, each in zip(heads, self.data.train, strict=True)]
        return arrays, base.shape, examples, found

    def _version(
        self, tracker: Tracker, recipe: Recipe, base: Answers, source: dict[str, str], prepared: list[Any]
    ) -> Result:
        key = recipes.key(recipe, self.plan.seed, *self.digests)
        kept, said = self.folder / f"{recipe.name}-{key}.npz", self.folder / f"{recipe.name}-{key}.json"
        there = tracker.version_of(key)
        if there is not None and kept.exists() and said.exists():
            self.say(f"{recipe.name}: version {there.version} is there already")
            return self._result(recipe, int(there.version), train.load(kept), said, base)
        if not prepared:
            prepared.append(self._prepared())
        arrays, shape, examples, difference = prepared[0]
        params = {("recipe" if name == "name" else name): value for name, value in asdict(recipe).items()}
        params["seed"] = self.plan.seed
        tags = {"form": self._form, "base.name": source["name"], "base.digest": source["digest"]}
        checked = {"llama.cpp.difference": f"{difference:.4f}"}
        run = tracker.begun(key, recipe.name, params, {**tags, **checked}, self.data, [TRAINING, EVALUATION])
        self.say(f"{recipe.name}: rank {recipe.rank}, {recipe.steps} steps of {recipe.batch}, rate {recipe.rate:g}")
        began = time.monotonic()

        def tell(progress: train.Progress) -> None:
            tracker.curve(run, progress)
            took = time.monotonic() - began
            self.say(
                f"  {recipe.name}: step {progress.step}/{recipe.steps}, loss {progress.losses[-1]:.4f}, {took:.0f} s"
            )

        progress = train.trained(arrays, shape, examples, recipe, self.plan.seed, kept, tell)
        tracker.curve(run, progress)
        adapter = self.folder / f"{recipe.name}-{key}" / "adapter.gguf"
        adapter.parent.mkdir(exist_ok=True)
        weights.write_adapter(adapter, progress.adapter, recipe.alpha)
        with llama.serving(self.model, self.folder / "llama.log", adapter) as served:
            answers = self._asked(served, recipe.name)
        _write(said, json.dumps(list(answers.said)))
        against = judge.compared(answers, base)
        tracker.metrics(
            run,
            {
                "held_out_accuracy": answers.accuracy,
                "held_out_in_format": answers.in_format,
                "gain_over_base": answers.accuracy - base.accuracy,
                "training_cpu_seconds": round(progress.cpu_seconds, 1),
            },
        )
        tracker.text(run, tickets.written(self.data.train), "data/train.jsonl")
        tracker.text(run, tickets.written(self.data.held_out), "data/held-out.jsonl")
        tracker.text(run, _listed(answers, base), "answers.jsonl")
        tracker.text(run, json.dumps(asdict(against), indent=1), "against-base.json")
        tracker.file(run, adapter, "adapter")
        size = {
            "weights.digest": f"sha256:{weights.file_digest(adapter)}",
            "weights.sizeBytes": str(adapter.stat().st_size),
        }
        tracker.finished(run)
        number = tracker.registered(run, recipe, {**tags, **size})
        self.say(f"{recipe.name}: {sum(answers.right)} of {len(answers.said)} right; registered as version {number}")
        return self._result(recipe, number, progress, said, base)

    def _result(
        self, recipe: Recipe, number: int, progress: train.Progress | None, said: Path, base: Answers
    ) -> Result:
        answers = Answers(tickets=self.data.held_out, said=tuple(json.loads(said.read_text(encoding="utf-8"))))
        losses = progress.losses if progress else []
        few = max(1, min(10, len(losses) // 3))
        return Result(
            recipe=recipe,
            number=number,
            first_loss=sum(losses[:few]) / few,
            last_loss=sum(losses[-few:]) / few,
            answers=answers,
            against_base=judge.compared(answers, base),
        )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """The folder for this process only, while the block runs. Raises Refused when another has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fix = "wait until it has ended"
            raise Refused(
                Problem(summary="the lab is running already", found=str(folder), fix=fix), ExitCode.UNAVAILABLE
            ) from None
        yield


def _listed(answers: Answers, base: Answers) -> str:
    """Every held-out ticket with its team, the version's answer and the base's, as JSON lines."""
    rows = zip(answers.tickets, answers.said, answers.right, base.said, strict=True)
    return "".join(
        json.dumps({"text": each.text, "team": each.team, "answer": said, "right": right, "base": before}) + "\n"
        for each, said, right, before in rows
    )


def _write(file: Path, text: str) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)

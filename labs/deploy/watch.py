"""A rollout as it goes: what the Rollout and its route said at which time, and who answered meanwhile."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from core.problem import ExitCode, Problem, Refused
from labs.deploy.objects import NAME, SPACE
from sandbox.faults import CloudError
from sandbox.lab import Lab
from sandbox.traffic import Stream, likely

Say = Callable[[str], None]
SETTLES_SECONDS = 1.0
"""After a change of weights Envoy hears of it within 0.3 s; what is asked before that is nobody's share."""

_WITHIN = 600.0


@dataclass(frozen=True)
class Seen:
    """The rollout at one time (seconds of `time.monotonic`). `canary` is the new version's weight in the route (percent)."""

    at: float
    canary: int
    phase: str
    aborted: bool
    message: str = ""


@dataclass(frozen=True)
class Share:
    """One step: how many of the requests in it the new version answered; `fits` when chance explains the difference."""

    percent: int
    seconds: float
    hits: int
    asked: int
    fits: bool

    @property
    def rate(self) -> float:
        """The share that it really had, from 0 to 1."""
        return self.hits / max(1, self.asked)


@dataclass(frozen=True, kw_only=True)
class Course:
    """One rollout from the word to its end."""

    version: str
    back: bool
    """Taken back by itself; else the new version is the stable one."""
    seconds: float
    """From the word to the end."""
    events: tuple[tuple[float, str], ...]
    """What happened, with the seconds from the word on."""
    shares: tuple[Share, ...]
    asked: int
    errors_new: int
    """Requests that the new version answered with an error."""
    lost: tuple[str, ...] = field(default=())
    """Every other request without an answer of 200: the status and who answered."""


def current(cluster: Lab) -> Seen | None:
    """The rollout now; None while its controller has not seen the latest word, or it cannot be read."""
    with contextlib.suppress(CloudError, KeyError, IndexError):
        meta = {"name": NAME, "namespace": SPACE}
        said = cluster.node.api.get({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": meta}) or {}
        route = cluster.node.api.get(
            {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": meta}
        )
        status = said["status"]
        if route is None or str(status.get("observedGeneration")) != str(said["metadata"]["generation"]):
            return None
        weight = int(route["spec"]["rules"][0]["backendRefs"][1].get("weight", 0))
        return Seen(
            time.monotonic(), weight, status.get("phase", ""), bool(status.get("abort")), status.get("message", "")
        )
    return None


def follow(cluster: Lab, stream: Stream, version: str, began: float, say: Say) -> Course:
    """Follows a rollout that was told at `began` until it is healthy, or aborted with the traffic back on stable.

    Raises `Refused`: `UNDETERMINED` when it waits for somebody, because the judge could not tell; `FAILED` when it does not end.
    """
    seen: list[Seen] = []
    events: list[tuple[float, str]] = []
    while True:
        now = current(cluster)
        if now and (
            not seen or (now.canary, now.phase, now.aborted) != (seen[-1].canary, seen[-1].phase, seen[-1].aborted)
        ):
            for text in _what(seen[-1] if seen else None, now):
                events.append((now.at - began, text))
                say(f"rollout: {text} ({now.at - began:.1f} s after the word)")
            seen.append(now)
        if now and now.aborted and now.canary == 0:
            break
        if now and now.phase == "Healthy" and now.canary == 0:
            break
        if now and now.phase == "Paused" and "nconclusive" in now.message:
            problem = Problem(
                summary="the judge could not tell: the rollout waits",
                found=now.message,
                fix="too few requests were answered in the last step; run the lab on a quieter machine",
            )
            raise Refused(problem, ExitCode.UNDETERMINED)
        if time.monotonic() - began > _WITHIN or not cluster.node.running:
            said = f"{seen[-1].phase} {seen[-1].message}".strip() if seen else "nothing"
            fix = f"kubectl --kubeconfig {cluster.node.kubeconfig} -n {SPACE} describe rollout,pods"
            problem = Problem(summary=f"the rollout has not ended after {_WITHIN:.0f} s", found=said, fix=fix)
            raise Refused(problem, ExitCode.FAILED)
        time.sleep(0.1)
    ended = time.monotonic()
    time.sleep(2 * SETTLES_SECONDS)
    answers = stream.since(began)
    wrong = stream.lost(began)
    of_new = [answer for answer in wrong if answer.pod == version and answer.status]
    return Course(
        version=version,
        back=seen[-1].aborted,
        seconds=ended - began,
        events=tuple(events),
        shares=tuple(shares(stream, version, seen, ended)),
        asked=len(answers),
        errors_new=len(of_new),
        lost=tuple(f"{answer.status} {answer.pod}" for answer in wrong if answer not in of_new),
    )


def shares(stream: Stream, version: str, seen: list[Seen], ended: float) -> list[Share]:
    """The new version's share of each step that had one: from when the weights have settled until they change again."""
    found = []
    changes = [each for number, each in enumerate(seen) if not number or each.canary != seen[number - 1].canary]
    for each, after in zip(changes, [*(one.at for one in changes[1:]), ended], strict=True):
        if each.canary == 0 or after - each.at <= SETTLES_SECONDS:
            continue
        answers = stream.since(each.at + SETTLES_SECONDS, after)
        hits = sum(one.pod == version for one in answers)
        fits = bool(answers) and likely(hits, len(answers), each.canary / 100)
        found.append(Share(each.canary, after - each.at, hits, len(answers), fits))
    return found


def _what(before: Seen | None, now: Seen) -> list[str]:
    said = []
    if before is None or before.canary != now.canary:
        if now.canary:
            said.append(f"the route gives the new version {now.canary} %")
        elif before is not None:
            said.append(
                "the route gives stable everything" if now.aborted else "the new version is stable, with all traffic"
            )
    if now.aborted and not (before and before.aborted):
        said.append(f"aborted by the judge: {now.message}")
    elif now.phase == "Healthy" and before is not None and before.phase != "Healthy":
        said.append("healthy")
    return said

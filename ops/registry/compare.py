"""Versions of a model side by side: what differs, what is best, and whether they may be compared at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.problem import Problem, Refused
from ops.registry.versions import Model, Version

_HIGHER = frozenset({"accuracy", "auc", "f1", "precision", "recall", "r2", "score"})
_LOWER = frozenset({"error", "latency", "loss", "mae", "mse", "perplexity", "rmse", "seconds"})
"""Last words of metrics whose better direction is common knowledge; a tag `better.<metric>` of the model stands over them."""
_WAYS = {"higher": True, "lower": False}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Versions that may be compared, or were asked for all the same.

    `params` are the parameters that differ, `best` the versions with the best value of each metric: none when all are equal,
    when the direction is not known (then the metric is in `undirected`), and when the versions were judged on other data.
    """

    model: str
    versions: tuple[Version, ...]
    params: tuple[str, ...]
    metrics: tuple[str, ...]
    best: Mapping[str, frozenset[int]]
    undirected: tuple[str, ...]
    comparable: bool


def chosen(model: Model, names: Sequence[str]) -> list[Version]:
    """The versions of those numbers or aliases, oldest first; every version when none is named. Raises Refused."""
    if not model.versions:
        raise Refused(Problem(summary="the model has no versions yet", found=model.name, fix="training makes them"))
    known = {alias: version for version in model.versions for alias in (str(version.number), *version.aliases)}
    problems = [
        Problem(summary="the model has no such version", found=name, allowed=", ".join(known))
        for name in names
        if name not in known
    ]
    if problems:
        raise Refused(problems)
    wanted = {known[name].number for name in names} or {version.number for version in model.versions}
    return [version for version in model.versions if version.number in wanted]


def compared(model: Model, versions: Sequence[Version], metric: str = "", *, anyhow: bool = False) -> Comparison:
    """The comparison. Raises Refused for a metric that no version has, and for versions that were judged on different data.

    `anyhow` shows those too, and marks nothing as best.
    """
    there = sorted({key for version in versions for key in version.metrics})
    if metric and metric not in there:
        raise Refused(Problem(summary="no version has this metric", found=metric, allowed=", ".join(there) or "none"))
    problems = list(_other_data(versions))
    if problems and not anyhow:
        raise Refused(problems)
    metrics = (metric,) if metric else tuple(there)
    ways = {each: _higher_is_better(each, model.tags) for each in metrics}
    keys = sorted({key for version in versions for key in version.params})
    return Comparison(
        model=model.name,
        versions=tuple(versions),
        params=tuple(key for key in keys if len({version.params.get(key) for version in versions}) > 1),
        metrics=metrics,
        best={
            each: frozenset() if problems or way is None else _best(versions, each, higher=way)
            for each, way in ways.items()
        },
        undirected=tuple(each for each, way in ways.items() if way is None),
        comparable=not problems,
    )


def _other_data(versions: Sequence[Version]) -> Iterable[Problem]:
    """Why the versions' metrics say nothing about each other: nobody recorded what they were judged on, or it differs."""
    if len(versions) < 2:
        return
    fix = 'log it: mlflow.log_input(data, context="evaluation"); --any-data shows the versions all the same'
    for version in versions:
        if not version.judged_on:
            found = "its run names no data set, with a digest, for evaluation"
            where = f"version {version.number}"
            yield Problem(summary="what this version was judged on is not known", where=where, found=found, fix=fix)
    groups: dict[frozenset[str], list[int]] = {}
    for each in versions:
        if each.judged_on:
            groups.setdefault(each.judged_on, []).append(each.number)
    if len(groups) > 1:
        found = "; ".join(
            f"version{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}: {', '.join(sorted(digests))}"
            for digests, numbers in groups.items()
        )
        fix = "name versions that were judged on the same data, or judge again; --any-data shows them all the same"
        yield Problem(summary="the versions were judged on different data", found=found, fix=fix)


def _higher_is_better(metric: str, tags: Mapping[str, str]) -> bool | None:
    told = _WAYS.get(tags.get(f"better.{metric}", ""))
    if told is not None:
        return told
    last = metric.lower().replace("-", "_").rpartition("_")[2]
    return True if last in _HIGHER else False if last in _LOWER else None


def _best(versions: Sequence[Version], metric: str, *, higher: bool) -> frozenset[int]:
    # What is not a number is no one's best.
    values = {
        version.number: version.metrics[metric]
        for version in versions
        if version.metrics.get(metric, 0) == version.metrics.get(metric)
    }
    if len(set(values.values())) < 2:
        return frozenset()
    top = (max if higher else min)(values.values())
    return frozenset(number for number, value in values.items() if value == top)

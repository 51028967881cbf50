"""Reads a PromQL expression against the tables of what exporters export: names, labels, types, bounds and units.

A walk from the leaves up gives each sub-expression its labels and its unit, so that a `by`, an `on`, a legend or a panel's
unit that nothing below can fill is found. Where PromQL itself would say nothing and return nothing, this says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import promql_parser as promql

from kube.metrics import Metric

ANY_UNIT = "?"
"""The unit of what has none to check: a number, or a sum of different things."""
COUNT = "count"
RATIO = "ratio"

_OVER_COUNTERS = ("rate", "increase", "irate")
_AGGREGATES_TO_COUNT = ("count", "group", "count_values")
_SCALED = {("MiB", 1048576.0): "bytes", ("MiB", 1024.0): "KiB", ("ratio", 100.0): "percent"}
_DIVIDED = {("ns/s", 1e9): RATIO, ("percent", 100.0): RATIO}


@dataclass(frozen=True)
class Found:
    """What an expression gives: its labels, its unit, and what is wrong with it."""

    labels: frozenset[str] = frozenset()
    unit: str = ANY_UNIT
    wrong: tuple[str, ...] = ()
    number: float | None = None
    bounds: bool = field(default=False)

    def but(self, *wrong: str) -> Found:
        """The same with more that is wrong."""
        return replace(self, wrong=(*self.wrong, *wrong))


def substituted(expression: str) -> str:
    """A panel's expression with Grafana's variables replaced by values that parse."""
    text = re.sub(r"\$__(rate_interval|interval|range)\b", "5m", expression)
    return re.sub(r"\$\{?(\w+)(:\w+)?\}?", "anything", text)


def read(expression: str, known: Mapping[str, Metric]) -> Found:
    """What an expression gives, by what is known; one that does not parse has that as what is wrong."""
    try:
        tree = promql.parse(substituted(expression))
    except ValueError as error:
        return Found(wrong=(f"does not parse: {error}",))
    return _walk(tree, known)


def selectors(expression: str) -> Iterator[Any]:
    """Every vector selector of an expression."""
    yield from _selectors(promql.parse(substituted(expression)))


def _selectors(tree: Any) -> Iterator[Any]:
    if isinstance(tree, promql.VectorSelector):
        yield tree
    for name in ("lhs", "rhs", "expr", "vector_selector", "param"):
        inner = getattr(tree, name, None)
        if inner is not None and not isinstance(inner, str | float):
            yield from _selectors(inner)
    for argument in getattr(tree, "args", None) or ():
        yield from _selectors(argument)


def _walk(tree: Any, known: Mapping[str, Metric]) -> Found:
    readers: dict[type, Callable[[Any, Mapping[str, Metric]], Found]] = {
        promql.VectorSelector: _selector,
        promql.MatrixSelector: lambda each, _: _selector(each.vector_selector, known),
        promql.SubqueryExpr: lambda each, _: _walk(each.expr, known),
        promql.ParenExpr: lambda each, _: _walk(each.expr, known),
        promql.UnaryExpr: lambda each, _: _walk(each.expr, known),
        promql.NumberLiteral: lambda each, _: Found(number=each.val),
        promql.StringLiteral: lambda each, _: Found(),
        promql.Call: _call,
        promql.AggregateExpr: _aggregate,
        promql.BinaryExpr: _binary,
    }
    return readers[type(tree)](tree, known)


def _selector(tree: Any, known: Mapping[str, Metric]) -> Found:
    name = tree.name
    if name not in known:
        return Found(wrong=(f"nobody exports {name}",))
    metric = known[name]
    found = Found(labels=metric.labels, unit=metric.unit or COUNT, bounds=bool(metric.bounds))
    for matcher in tree.matchers.matchers:
        if matcher.name not in metric.labels:
            found = found.but(f"{name} has no label {matcher.name}")
        elif matcher.name == "le" and matcher.op == promql.MatchOp.Equal:
            bounds = {*metric.bounds, float("inf")}
            if float(matcher.value) not in bounds:
                found = found.but(f"{name} has no bound {matcher.value}")
    return found


def _call(tree: Any, known: Mapping[str, Metric]) -> Found:
    name = tree.func.name
    inner = [_walk(argument, known) for argument in tree.args]
    vector = next((each for each in inner if each.labels), inner[0] if inner else Found())
    wrong = tuple(each for found in inner for each in found.wrong)
    if name in _OVER_COUNTERS:
        kinds = {known[selector.name].type for selector in _selectors(tree) if selector.name in known}
        if kinds - {"counter"}:
            wrong = (*wrong, f"{name} of a {', '.join(sorted(kinds))}")
        unit = vector.unit if name == "increase" else f"{vector.unit}/s"
        return Found(vector.labels, RATIO if unit == "seconds/s" else unit, wrong, bounds=vector.bounds)
    if name == "label_replace":
        *_, target, _replacement, source, _pattern = (getattr(each, "val", "") for each in tree.args)
        if source not in vector.labels:
            wrong = (*wrong, f"label_replace reads {source}, which is not there")
        return Found(vector.labels | {target}, vector.unit, wrong)
    if name == "absent":
        equal = [m.name for m in tree.args[0].matchers.matchers if m.op == promql.MatchOp.Equal]
        return Found(frozenset(equal), COUNT, wrong)
    if name == "histogram_quantile":
        if "le" not in vector.labels:
            wrong = (*wrong, "histogram_quantile without le")
        # A bucket counts; its bounds are in the unit that the histogram's name says.
        base = {selector.name.removesuffix("_bucket") for selector in _selectors(tree)}
        units = {known[f"{each}_sum"].unit for each in base if f"{each}_sum" in known}
        return Found(vector.labels - {"le"}, units.pop() if len(units) == 1 else ANY_UNIT, wrong)
    if name in ("vector", "time"):
        return Found(frozenset(), ANY_UNIT, wrong)
    return Found(vector.labels, vector.unit, wrong)


def _aggregate(tree: Any, known: Mapping[str, Metric]) -> Found:
    inner, operator = _walk(tree.expr, known), str(tree.op)
    unit = COUNT if operator in _AGGREGATES_TO_COUNT else inner.unit
    if operator in ("topk", "bottomk"):
        return replace(inner, unit=unit)
    if tree.modifier is None:
        return Found(frozenset(), unit, inner.wrong)
    listed = frozenset(tree.modifier.labels)
    missing = [f"{operator} by {label}, which is not there" for label in sorted(listed - inner.labels)]
    by = tree.modifier.type == promql.AggModifierType.By
    return Found(listed if by else inner.labels - listed, unit, (*inner.wrong, *missing))


def _binary(tree: Any, known: Mapping[str, Metric]) -> Found:
    left, right, operator = _walk(tree.lhs, known), _walk(tree.rhs, known), str(tree.op)
    wrong = (*left.wrong, *right.wrong)
    scalar = left.number is not None or right.number is not None
    matching = tree.modifier.matching if tree.modifier else None
    if matching and matching.type == promql.LabelModifierType.Include:
        for side, what in ((left, "left"), (right, "right")):
            missing = [label for label in matching.labels if label not in side.labels]
            wrong = (*wrong, *(f"on ({each}), which the {what} side does not have" for each in missing))
    if operator == "or":
        return Found(left.labels | right.labels, left.unit if left.unit != ANY_UNIT else right.unit, wrong)
    if operator in ("and", "unless") or scalar:
        vector = right if left.number is not None else left
        unit = _scaled(operator, vector.unit, right.number if left.number is None else left.number)
        return Found(vector.labels, unit, wrong)
    labels = left.labels & right.labels
    if operator in ("==", "!=", ">", "<", ">=", "<="):
        labels = left.labels
    if matching and matching.type == promql.LabelModifierType.Include:
        labels = frozenset(matching.labels)
        if tree.modifier.card == promql.VectorMatchCardinality.ManyToOne:
            labels = left.labels | frozenset(tree.modifier.group_labels or ())
    return Found(labels, _combined(operator, left.unit, right.unit), wrong)


def _scaled(operator: str, unit: str, number: float | None) -> str:
    if number is None or operator not in ("*", "/"):
        return unit
    return (_SCALED if operator == "*" else _DIVIDED).get((unit, number), ANY_UNIT)


def _combined(operator: str, left: str, right: str) -> str:
    if operator == "/":
        return RATIO if left == right else ANY_UNIT
    if operator in ("+", "-", "==", "!=", ">", "<", ">=", "<="):
        return left if left == right else ANY_UNIT
    return ANY_UNIT

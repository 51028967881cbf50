"""Treats a report as untrusted data: parses it strictly, removes secrets again, and then writes the comment."""

from __future__ import annotations

from pydantic import ValidationError

from core.problem import Problem, Refused
from ops.report.fit import LIMIT
from ops.report.make import clean
from ops.report.model import Report


def parse(data: bytes) -> Report:
    """A report from its JSON, with secrets taken out once more. Raises Refused for what is none, or too large to be one."""
    if len(data) >= LIMIT:
        raise Refused(Problem(summary="this is no report", found=f"{len(data)} bytes", allowed=f"less than {LIMIT}"))
    try:
        report = Report.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:200]
        raise Refused(Problem(summary="this is no report", where=where, found=first["msg"][:200])) from None
    return Report.model_validate(clean(report.model_dump(mode="json", by_alias=True)))

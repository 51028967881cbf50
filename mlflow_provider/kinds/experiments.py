"""Experiments: where runs and traces are logged. One that was deleted and is declared again is brought back with its runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlflow_provider.api import Rejected, Server
from mlflow_provider.kinds.base import V2, Found, Kind, Props, changed_tags, gone, pairs, public, said, tags_of

_NOTE = "mlflow.note.content"
_OF_GATEWAY = "mlflow.experiment.isGateway"


class Experiment(Kind):
    """Inputs: name, description, tags. The id is the server's own number."""

    name = "Experiment"
    replaces = frozenset({"name"})

    def create(self, server: Server, inputs: Props, secret: str) -> Found:
        note = {_NOTE: inputs["description"]} if inputs.get("description") else {}
        tags = pairs({**inputs.get("tags", {}), **note})
        try:
            made = server.post(f"{V2}/experiments/create", name=inputs["name"], tags=tags)
            return Found(str(made["experiment_id"]), inputs)
        except Rejected as error:
            if not error.exists:
                raise
        item = server.get(f"{V2}/experiments/get-by-name", experiment_name=inputs["name"])["experiment"]
        if item.get("lifecycle_stage") != "deleted":
            return self.taken_over(inputs, _found(item))
        back = _found(item)
        server.post(f"{V2}/experiments/restore", experiment_id=back.id)
        self.update(server, back.id, back.inputs, inputs, secret)
        return Found(back.id, inputs)

    def read(self, server: Server, id: str) -> Found | None:
        try:
            item = server.get(f"{V2}/experiments/get", experiment_id=id)["experiment"]
        except Rejected as error:
            gone(error)
            return None
        return None if item.get("lifecycle_stage") == "deleted" else _found(item)

    def update(self, server: Server, id: str, olds: Props, news: Props, secret: str) -> Props:
        setting, taking = changed_tags(olds, news)
        before, after = olds.get("description", ""), news.get("description", "")
        if after and after != before:
            setting[_NOTE] = after
        elif before and not after:
            taking.append(_NOTE)
        for key, value in setting.items():
            server.post(f"{V2}/experiments/set-experiment-tag", experiment_id=id, key=key, value=value)
        for key in taking:
            try:
                server.post(f"{V2}/experiments/delete-experiment-tag", experiment_id=id, key=key)
            except Rejected as error:
                gone(error)
        return {}

    def delete(self, server: Server, id: str, inputs: Props) -> None:
        try:
            server.post(f"{V2}/experiments/delete", experiment_id=id)
        except Rejected as error:
            gone(error)

    def every(self, server: Server) -> Iterator[Found]:
        search = {"max_results": 1000, "view_type": "ACTIVE_ONLY"}
        for item in server.pages(f"{V2}/experiments/search", "experiments", **search):
            # The first is always there, and the gateway makes one for each of its endpoints.
            if item["experiment_id"] != "0" and _OF_GATEWAY not in tags_of(item):
                yield _found(item)


def _found(item: Mapping[str, Any]) -> Found:
    tags = tags_of(item)
    inputs = {"name": item["name"], "description": tags.get(_NOTE, ""), "tags": public(tags)}
    return Found(str(item["experiment_id"]), said(inputs))

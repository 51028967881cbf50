"""Users and what they may do, as MLflow's basic-auth app keeps them."""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_provider.api import Rejected, Server
from mlflow_provider.kinds.base import V2, V3, Found, Kind, Props, gone

_USERS, _GRANTS = f"{V2}/users", f"{V3}/users/permissions"


class User(Kind):
    """Inputs: username, password (which names a secret), admin. The id is the username."""

    name = "User"
    replaces = frozenset({"username"})
    secret = "password"  # noqa: S105 (the name of an input)
    local = frozenset({"revision"})

    def create(self, server: Server, inputs: Props, secret: str) -> Found:
        username = inputs["username"]
        there = self.read(server, username)
        if there is not None:
            self.taken_over(inputs, there)
            server.patch(f"{_USERS}/update-password", username=username, password=secret)
            return Found(username, inputs)
        server.post(f"{_USERS}/create", username=username, password=secret)
        if inputs["admin"]:
            server.patch(f"{_USERS}/update-admin", username=username, is_admin=True)
        return Found(username, inputs)

    def read(self, server: Server, id: str) -> Found | None:
        try:
            user = server.get(f"{_USERS}/get", username=id)["user"]
        except Rejected as error:
            gone(error)
            return None
        return Found(id, {"username": id, "admin": bool(user.get("is_admin"))})

    def update(self, server: Server, id: str, olds: Props, news: Props, secret: str) -> Props:
        server.patch(f"{_USERS}/update-password", username=id, password=secret)
        if olds.get("admin") != news["admin"]:
            server.patch(f"{_USERS}/update-admin", username=id, is_admin=news["admin"])
        return {}

    def delete(self, server: Server, id: str, inputs: Props) -> None:
        try:
            server.delete(f"{_USERS}/delete", username=id)
        except Rejected as error:
            gone(error)

    def every(self, server: Server) -> Iterator[Found]:
        for user in server.get(f"{_USERS}/list")["users"]:
            if user["username"] != server.user:
                yield Found(user["username"], {"username": user["username"], "admin": bool(user["is_admin"])})


class Permission(Kind):
    """Inputs: user, type (experiment, registered_model, prompt), resource (its id), permission. The id names all three."""

    name = "Permission"
    replaces = frozenset({"user", "type", "resource"})

    def create(self, server: Server, inputs: Props, secret: str) -> Found:
        id = "/".join((inputs["user"], inputs["type"], inputs["resource"]))
        there = self.read(server, id)
        if there is not None:
            return self.taken_over(inputs, there)
        self._grant(server, inputs)
        return Found(id, inputs)

    def read(self, server: Server, id: str) -> Found | None:
        user, kind, resource = id.split("/", 2)
        return next((each for each in self._of(server, user) if each.id == f"{user}/{kind}/{resource}"), None)

    def update(self, server: Server, id: str, olds: Props, news: Props, secret: str) -> Props:
        # The server takes one grant for an item, and has no call that changes it.
        self.delete(server, id, olds)
        self._grant(server, news)
        return {}

    def delete(self, server: Server, id: str, inputs: Props) -> None:
        user, kind, resource = id.split("/", 2)
        try:
            server.post(f"{_GRANTS}/revoke", username=user, resource_type=kind, resource_id=resource)
        except Rejected as error:
            gone(error)

    def every(self, server: Server) -> Iterator[Found]:
        for user in User().every(server):
            yield from self._of(server, user.id)

    def _grant(self, server: Server, inputs: Props) -> None:
        about = {"username": inputs["user"], "resource_type": inputs["type"], "resource_id": inputs["resource"]}
        server.post(f"{_GRANTS}/grant", **about, permission=inputs["permission"])

    def _of(self, server: Server, user: str) -> Iterator[Found]:
        try:
            grants = server.get(f"{_GRANTS}/list", username=user)["permissions"]
        except Rejected as error:
            gone(error)
            return
        for grant in grants:
            kind, resource = grant["resource_type"], grant["resource_pattern"]
            inputs = {"user": user, "type": kind, "resource": resource, "permission": grant["permission"]}
            if resource != "*":
                yield Found(f"{user}/{kind}/{resource}", inputs)

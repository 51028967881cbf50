"""Brings the registry's two databases to the schema of this MLflow, and its service users to their passwords.

Runs in MLflow's own image as a Job before the servers start: `python registry_upgrade.py TRACKING_URI AUTH_URI`. Every step
can be run again: a database that is there, a schema that is current and a password that is right are left alone.
"""

from __future__ import annotations

import os
import sys

import psycopg2
import sqlalchemy
from mlflow.db import commands as tracking
from mlflow.server.auth.db.cli import commands as auth
from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

USERS = (
    ("admin", "MLFLOW_AUTH_ADMIN_PASSWORD", True),
    ("metrics", "REGISTRY_METRICS_PASSWORD", False),
    ("reader", "REGISTRY_READER_PASSWORD", False),
)
"""User, the variable with its password, and whether it administers the registry; `reader` is there where models are served."""


def make_database(tracking_uri: str, auth_uri: str) -> None:
    """Makes the database of users when it is missing; RDS makes only the first one of an instance."""
    if not auth_uri.startswith("postgresql"):
        return
    engine = sqlalchemy.create_engine(tracking_uri, isolation_level="AUTOCOMMIT")
    try:
        sqlalchemy.create_engine(auth_uri).connect().close()
    except sqlalchemy.exc.OperationalError as error:
        if "does not exist" not in str(error):
            raise
        name = os.environ["REGISTRY_AUTH_DATABASE"]
        with engine.connect() as connection:
            quoted = psycopg2.extensions.quote_ident(name, connection.connection.dbapi_connection)
            connection.execute(sqlalchemy.text(f"CREATE DATABASE {quoted}"))
    finally:
        engine.dispose()


def set_users(auth_uri: str) -> None:
    """Makes the service users, or gives them the passwords that Secrets Manager has now."""
    store = SqlAlchemyStore()
    store.init_db(auth_uri)  # type: ignore[no-untyped-call]
    for name, variable, is_admin in USERS:
        if name == "reader" and variable not in os.environ:
            continue
        password = os.environ[variable]
        if not store.has_user(name):
            store.create_user(name, password, is_admin=is_admin)
        else:
            if name == "reader" and store.get_user(name).is_admin:
                raise SystemExit("the registry has an administrator called reader: that name is the model servers' own")
            if not store.authenticate_user(name, password):
                store.update_user(name, password=password)


def main(tracking_uri: str, auth_uri: str) -> None:
    """The whole upgrade, in an order in which each step finds what it needs."""
    make_database(tracking_uri, auth_uri)
    tracking.main(["upgrade", tracking_uri], standalone_mode=False)
    auth.main(["upgrade", "--url", auth_uri], standalone_mode=False)
    set_users(auth_uri)


if __name__ == "__main__":
    main(*sys.argv[1:])

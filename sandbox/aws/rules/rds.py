"""RDS: what a database instance leaves behind when it is deleted. Words as the RDS API answers DeleteDBInstance."""

from __future__ import annotations

from sandbox.aws.view import PACKAGE, View
from sandbox.items import Item
from sandbox.provider import CloudError

INSTANCE = "aws:rds/instance:Instance"
SNAPSHOT = "aws:rds/snapshot:Snapshot"


def leave_snapshot(view: View, item: Item) -> None:
    """Take the final snapshot that the instance asks for; CloudError when it has no name, or a name that is taken."""
    if item.state.get("skipFinalSnapshot") is True:
        return
    name = item.inputs.get("finalSnapshotIdentifier")
    if not isinstance(name, str):
        raise CloudError(
            "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
        )
    if view.one(SNAPSHOT, name):
        raise CloudError(
            "DBSnapshotAlreadyExists",
            f"Cannot create the snapshot because a snapshot with the identifier {name} already exists.",
        )
    state = item.state
    tags = state.get("tags") if state.get("copyTagsToSnapshot") is True else None
    inputs = {"dbInstanceIdentifier": state["identifier"], "dbSnapshotIdentifier": name, "tags": tags}
    computed = {
        "arn": str(state["arn"]).replace(":db:", ":snapshot:").removesuffix(state["identifier"]) + name,
        "kmsKeyId": state.get("kmsKeyId", ""),
        "status": "available",
    }
    view.store.put(
        Item(package=PACKAGE, type=SNAPSHOT, id=name, name=name, urn=item.urn, inputs=inputs, computed=computed)
    )

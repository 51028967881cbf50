"""The simulated AWS behind the real engine: a small network through its whole life."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pulumi import automation as auto

from sandbox.programs.toolchain import ensure
from sandbox.provider import serve
from tests.roots import ROOT


@pytest.mark.engine
def test_a_small_network_goes_up_stays_the_same_drifts_and_goes_down_with_the_real_engine(
    account: Any, tmp_path: Path
) -> None:
    import pulumi
    import pulumi_aws as aws

    def program() -> None:
        vpc = aws.ec2.Vpc("v", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, tags={"a.b": "1"})
        subnet = aws.ec2.Subnet("s", vpc_id=vpc.id, cidr_block="10.0.0.0/24")
        table = aws.ec2.RouteTable("t", vpc_id=vpc.id)
        aws.ec2.RouteTableAssociation("l", subnet_id=subnet.id, route_table_id=table.id)
        aws.ssm.Parameter("p", type="SecureString", value=pulumi.Output.secret("hunter2"))
        pulumi.export("vpc", vpc.id)

    toolchain = ensure(ROOT, say=lambda _: None)
    server, port = serve(account.cloud)
    env = {
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DEBUG_PROVIDERS": f"aws:{port}",
    }
    command = auto.PulumiCommand(str(toolchain.pulumi.parent.parent))
    options = auto.LocalWorkspaceOptions(env_vars=env, work_dir=str(tmp_path), pulumi_command=command)
    stack = auto.create_stack("dev", "proj", program, opts=options)
    stack.set_config("aws:region", auto.ConfigValue("us-east-1"))
    try:
        made = stack.up()
        assert made.summary.resource_changes == {"create": 6}
        assert stack.preview().change_summary == {"same": 6}
        assert stack.refresh().summary.resource_changes == {"same": 6}
        file = next(account.world.folder.rglob(f"{made.outputs['vpc'].value}.json"))
        file.write_text(file.read_text().replace('"enableDnsHostnames": true', '"enableDnsHostnames": false'))
        assert stack.refresh().summary.resource_changes == {"same": 5, "update": 1}
        assert stack.preview().change_summary == {"same": 5, "update": 1}
        everywhere = [file for file in tmp_path.rglob("*") if file.is_file() and b"hunter2" in file.read_bytes()]
        assert everywhere == []
        stack.destroy()
        assert [item for item in account.world.everything() if item.urn] == []
    finally:
        server.stop(0)

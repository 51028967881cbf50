"""Pods on the real node: they run, find each other by name, keep their data, and are kept apart by policies."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from sandbox.node.isolation import cgroups
from sandbox.node.layout import NAME
from sandbox.node.node import Node
from tests.conformance.node.kube import PYTHON, Space, deployment, service, until
from tests.conformance.node.machine import Machine, listeners

pytestmark = pytest.mark.conformance
Record = Callable[[str, object], None]


def test_a_pod_is_reached_by_its_service_and_its_name_from_another_pod(space: Space, record_property: Record) -> None:
    space.apply(deployment("web"), service("web"), deployment("asker"))
    seconds = space.available("web")
    space.available("asker")
    web, name = space.pod("web"), f"http://web.{space.name}.svc.cluster.local/"
    until(lambda: space.ask("asker", name) == web, 120)
    assert space.ask("asker", "http://web/") == web
    address = space.kubectl("get", "service", "web", "--output=jsonpath={.spec.clusterIP}")
    assert space.ask("asker", f"http://{address}/") == web
    assert space.ask("asker", f"http://no-such.{space.name}.svc.cluster.local/") == ""
    record_property("conformance", f"real node: a pod answers {seconds:.1f} s after it was declared")


def test_a_policy_lets_in_whom_it_names_and_nobody_else_and_opens_again_with_its_end(
    space: Space, record_property: Record
) -> None:
    space.apply(*(deployment(name) for name in ("web", "friend", "stranger")), service("web"))
    for name in ("web", "friend", "stranger"):
        space.available(name)
    web, url = space.pod("web"), f"http://web.{space.name}.svc.cluster.local/"
    for name in ("friend", "stranger"):
        until(lambda name=name: space.ask(name, url) == web, 120)  # type: ignore[misc]
    friends = {"from": [{"podSelector": {"matchLabels": {"app": "friend"}}}], "ports": [{"port": 8080}]}
    spec = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"], "ingress": [friends]}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "web"}, "spec": spec}
    space.apply(policy)
    closed = until(lambda: space.ask("stranger", url) == "", 120)
    direct = space.kubectl("get", "pod", web, "--output=jsonpath={.status.podIP}")
    assert space.ask("friend", url) == web
    assert space.ask("stranger", f"http://{direct}:8080/") == "", "neither by its own address"
    ready = "--output=jsonpath={.status.containerStatuses[0].ready}"
    assert space.kubectl("get", "pod", web, ready) == "true", "its probes go on"
    space.kubectl("delete", "networkpolicy", "web")
    opened = until(lambda: space.ask("stranger", url) == web, 120)
    record_property("conformance", f"real node: a policy holds after {closed:.1f} s, and is gone after {opened:.1f} s")


def test_a_namespace_denied_by_default_has_no_traffic_but_the_dns_it_allows(space: Space) -> None:
    space.apply(deployment("web"), service("web"), deployment("asker"))
    space.available("web")
    space.available("asker")
    until(lambda: space.ask("asker", "http://web/") == space.pod("web"), 120)
    meta = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    dns = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}]}
    space.apply(
        {**meta, "metadata": {"name": "deny"}, "spec": deny}, {**meta, "metadata": {"name": "dns"}, "spec": dns}
    )
    until(lambda: space.ask("asker", "http://web/") == "", 120)
    resolve = "import socket; print(socket.gethostbyname('web'))"
    address = space.kubectl("get", "service", "web", "--output=jsonpath={.spec.clusterIP}")
    assert space.kubectl("exec", space.pod("asker"), "--", "python3", "-c", resolve).strip() == address


def test_a_pod_has_no_way_out_and_is_told_so_at_once(space: Space) -> None:
    space.apply(deployment("asker"))
    space.available("asker")
    code = "import socket,time; t=time.time(); r=socket.socket().connect_ex(('192.0.2.1', 80)); print(r, time.time()-t < 5)"
    error, soon = space.kubectl("exec", space.pod("asker"), "--", "python3", "-c", code).split()
    assert (int(error) != 0, soon) == (True, "True")


def test_a_volume_is_made_for_a_pod_that_waits_for_it_keeps_its_data_and_goes_with_its_claim(
    node: Node, space: Space
) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    space.apply(claim)
    for number in (1, 2):
        web = deployment(f"writer-{number}")
        pod = web["spec"]["template"]["spec"]
        pod["securityContext"]["fsGroup"] = 10001
        pod["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
        pod["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
        space.apply(web)
        space.available(f"writer-{number}")
        write = (
            "import pathlib; f=pathlib.Path('/data/x'); f.open('a').write('line\\n'); print(len(f.read_text().split()))"
        )
        assert space.kubectl("exec", space.pod(f"writer-{number}"), "--", "python3", "-c", write).strip() == str(number)
    (folder,) = [path for path in node.layout.volumes.iterdir() if (path / "x").exists()]
    space.kubectl("delete", "deployment", "--all")
    space.kubectl("delete", "pvc", "data")
    until(lambda: not folder.exists(), 120)
    assert space.kubectl("get", "pv", "--output=name") == ""


def test_a_pod_that_mounts_the_nodes_files_does_not_write_the_machines(node: Node) -> None:
    free = Space(node, "host-paths")
    free.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": free.name}})
    web = deployment("writer")
    pod = web["spec"]["template"]["spec"]
    pod["securityContext"] = {"runAsUser": 0}
    pod["volumes"] = [{"name": "host", "hostPath": {"path": "/"}}]
    pod["containers"][0]["volumeMounts"] = [{"name": "host", "mountPath": "/host"}]
    free.apply(web)
    free.available("writer")
    for folder in (Path("/etc"), Path(__file__).parent):
        file = folder / f"written-by-a-pod-{os.getpid()}"
        write = f"""
try: open('/host{file}', 'w').close(); print('written')
except OSError as error: print(error.strerror)
"""
        assert free.kubectl("exec", free.pod("writer"), "--", "python3", "-c", write).strip() == "Read-only file system"
        assert not file.exists()
    free.kubectl("delete", "namespace", free.name, "--wait=false")


def test_a_published_port_leads_to_a_service_from_127_0_0_1_alone(node: Node, space: Space) -> None:
    space.apply(deployment("web"), service("web"))
    space.available("web")
    port = node.publish(space.name, "web", 80)
    assert {address for address, number in listeners() if number == port} == {"127.0.0.1"}
    web = space.pod("web")
    until(lambda: _text(port) == web, 120)


def _text(port: int) -> str:
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=5).text
    except requests.RequestException:
        return ""


def test_the_machine_sees_processes_and_control_groups_of_a_node_and_nothing_else(before: Machine, node: Node) -> None:
    assert set(Machine.now(str(node.layout.folder), f"{cgroups.PREFIX}{os.getpid()}-").differs(before)) == {
        "processes",
        "groups",
    }
    assert {address for address, number in listeners() if number == node.port} == {"127.0.0.1"}


def test_an_image_that_was_not_loaded_is_not_pulled(space: Space) -> None:
    web = deployment("web")
    web["spec"]["template"]["spec"]["containers"][0] |= {
        "image": "registry.example/none:1",
        "imagePullPolicy": "IfNotPresent",
    }
    space.apply(web)
    waiting = "--output=jsonpath={.items[0].status.containerStatuses[0].state.waiting.reason}"
    until(lambda: space.kubectl("get", "pods", waiting, check=False) in ("ErrImagePull", "ImagePullBackOff"), 120)


def test_after_containerd_is_killed_it_runs_again_and_the_pods_ran_on(
    node: Node, space: Space, record_property: Record
) -> None:
    space.apply(deployment("web"), service("web"), deployment("asker"))
    for name in ("web", "asker"):
        space.available(name)
    started_at = "--output=jsonpath={.items[*].status.containerStatuses[0].state.running.startedAt}"
    then, killed = space.kubectl("get", "pods", started_at), time.monotonic()
    pid = node.run(["pgrep", "--exact", "containerd"]).stdout.strip()
    assert node.run(["kill", "-9", pid]).returncode == 0
    again = until(lambda: node.run(["pgrep", "--exact", "containerd"]).stdout.strip() not in ("", pid), 120)
    space.apply(deployment("later"))
    space.available("later")
    assert space.ask("asker", "http://web/") == space.pod("web")
    assert space.kubectl("get", "pods", "--selector=app in (web, asker)", started_at) == then
    assert "True" in space.kubectl(
        "get", "node", NAME, "--output=jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    )
    told = f"containerd killed: back after {again:.1f} s, a new pod answers {time.monotonic() - killed:.1f} s after the kill"
    record_property("conformance", f"real node: {told}")


def test_the_python_image_is_the_interpreter_that_made_it(space: Space) -> None:
    space.apply(deployment("web"))
    space.available("web")
    found = space.kubectl(
        "exec", space.pod("web"), "--", "python3", "-c", "import ssl, sqlite3, sys; print(sys.version_info[:2])"
    )
    assert PYTHON.endswith(".".join(found.strip().strip("()").split(", ")))

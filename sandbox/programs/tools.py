"""Real programs that tests run beside the platform (an API server, Prometheus, a linter), built from pinned Go modules.

Each is built once into `.sandbox/tools/<name>-<version>/bin/`, a main of ours again when it changes: the modules in
`sandbox/go/` pin every dependency by hash, a lock keeps two runs from building twice, and nothing half done ever stands at a
final path.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from core.problem import ExitCode, Problem, Refused
from core.versions import GO_MODULES
from sandbox import lock
from sandbox.programs import gobuild

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One program: `module` is its folder in `sandbox/go` and its key in `versions.GO_MODULES`.

    `variables` are what the linker stamps with the version; `go_version` is the compiler that the module asks for;
    `minutes` is how long a first build takes on two cores. Where the main package is one of ours, `around` is the module
    that it is built around, and whose version it has. A `static` program needs no library where it runs.
    """

    name: str
    module: str
    package: str
    minutes: int
    variables: tuple[str, ...] = ()
    go_version: str = ""
    around: str = ""
    static: bool = False

    @property
    def version(self) -> str:
        """The version of the module that the tool is built from, `v` in front."""
        return GO_MODULES[self.module]


def _kubernetes(name: str) -> Tool:
    return Tool(
        name=name,
        module="kubernetes",
        package=f"k8s.io/kubernetes/cmd/{name}",
        minutes=5,
        variables=("k8s.io/component-base/version.gitVersion",),
    )


def _prometheus(name: str) -> Tool:
    return Tool(name=name, module="prometheus", package=f"github.com/prometheus/prometheus/cmd/{name}", minutes=4)


def _ours(name: str, package: str) -> Tool:
    """A program that runs inside a pod of the node: a main of ours in the module of CoreDNS."""
    around = "github.com/coredns/coredns"
    return Tool(name=name, module="coredns", package=package, minutes=2, around=around, static=True)


_ROLLOUTS = "github.com/argoproj/argo-rollouts"


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(name="etcd", module="etcd", package="go.etcd.io/etcd/server/v3", minutes=1),
        _kubernetes("kube-apiserver"),
        _kubernetes("kube-controller-manager"),
        _kubernetes("kube-scheduler"),
        _kubernetes("kubelet"),
        _kubernetes("kube-proxy"),
        _ours("coredns", "modelyard.dev/toolchain/coredns"),
        _ours("pause", "modelyard.dev/toolchain/coredns/pause"),
        Tool(
            name="kube-router",
            module="kube-router",
            package="github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",
            minutes=2,
        ),
        Tool(
            name="karpenter-kwok",
            module="karpenter-kwok",
            package="sigs.k8s.io/karpenter/kwok",
            minutes=4,
            go_version="go1.27.3",
        ),
        _prometheus("prometheus"),
        _prometheus("promtool"),
        Tool(
            name="argo-rollouts",
            module="argo-rollouts",
            package=f"{_ROLLOUTS}/cmd/rollouts-controller",
            minutes=6,
            go_version="go1.26.10",
            static=True,
        ),
        Tool(
            name="httproute",
            module="argo-rollouts",
            package="modelyard.dev/toolchain/argo-rollouts/httproute",
            minutes=1,
            go_version="go1.26.10",
            around=_ROLLOUTS,
            static=True,
        ),
        Tool(
            name="envoy-gateway",
            module="envoy-gateway",
            package="github.com/envoyproxy/gateway/cmd/envoy-gateway",
            minutes=7,
            variables=("github.com/envoyproxy/gateway/internal/cmd/version.envoyGatewayVersion",),
            static=True,
        ),
        Tool(name="kwok", module="kwok", package="sigs.k8s.io/kwok/cmd/kwok", minutes=2),
        Tool(name="actionlint", module="actionlint", package="github.com/rhysd/actionlint/cmd/actionlint", minutes=1),
    )
}


def ensure(root: Path, names: Iterable[str], say: Say) -> dict[str, Path]:
    """The file of each named tool for the repository at `root`, built where it is not there yet.

    Each step is announced through `say`, one line a call. Raises `Refused`: `USAGE` for a name that the table does not
    know, `UNAVAILABLE` when it cannot be built here.
    """
    wanted = list(names)
    if unknown := [name for name in wanted if name not in TOOLS]:
        known = ", ".join(TOOLS)
        raise Refused(
            Problem(summary="no such tool", found=", ".join(unknown), allowed=known, fix="name one of these"),
            ExitCode.USAGE,
        )
    return {name: _one(root, TOOLS[name], say) for name in wanted}


def edition(root: Path, tool: Tool) -> str:
    """What tells one build of a tool from another: its version, and for a main of ours a hash of the module's Go files."""
    if not tool.around:
        return tool.version
    digest = hashlib.sha256()
    for file in sorted((root / "sandbox" / "go" / tool.module).rglob("*.go")):
        if not file.name.endswith("_test.go"):
            digest.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return f"{tool.version}-{digest.hexdigest()[:8]}"


def _one(root: Path, tool: Tool, say: Say) -> Path:
    home = root / ".sandbox" / "tools" / f"{tool.name}-{edition(root, tool)}"
    binary = home / "bin" / tool.name
    if binary.is_file():
        return binary
    with lock.waiting(home / "lock", tool.name, say):
        if not binary.is_file():
            _build(root, tool, home, say)
    return binary


def _build(root: Path, tool: Tool, home: Path, say: Say) -> None:
    staged, started = home / f"staged-{os.getpid()}", time.monotonic()
    stamp = " ".join(["-s -w", *(f"-X {variable}={tool.version}" for variable in tool.variables)])
    say(f"{tool.name}: building {tool.version} with Go (about {tool.minutes} min on two cores, once)")
    try:
        folder = root / "sandbox" / "go" / tool.module
        gobuild.build(
            folder, tool.package, staged / tool.name, stamp, say, go_version=tool.go_version, static=tool.static
        )
        shutil.rmtree(home / "bin", ignore_errors=True)
        staged.rename(home / "bin")
    except gobuild.BuildError as why:
        raise Refused(
            Problem(
                summary=f"{tool.name} {tool.version} cannot be built here",
                found=str(why),
                allowed="Go 1.21 or newer on PATH (it fetches the compiler it needs) and a Go module proxy in reach",
                fix="install Go from go.dev/doc/install, or set GOPROXY to a proxy that this machine reaches; "
                "then run this again",
            ),
            ExitCode.UNAVAILABLE,
        ) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    say(f"{tool.name}: {tool.version} is ready ({time.monotonic() - started:.0f} s)")


def main(arguments: list[str]) -> int:
    """`python -m sandbox.programs.tools NAME...`: provides the tools and prints the file of each."""

    def say(line: str) -> None:
        sys.stderr.write(line + "\n")

    try:
        files = ensure(Path(__file__).resolve().parents[2], arguments or TOOLS, say)
    except Refused as refused:
        say(str(refused))
        return refused.code
    sys.stdout.writelines(f"{name} {path}\n" for name, path in files.items())
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

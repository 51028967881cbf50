"""Which variables of the caller a process of the sandbox gets: those on this list, and none besides.

A list of what to keep cannot miss a cloud that nobody has thought of. What the sandbox starts takes its environment from here:
the engine, the language host, the simulated clouds, the registry's server, the node, compilers and shells.

A list of names does not hide files: whoever runs in the sandbox is the same user, and `~/.config` is where it was.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

_A_USER = "PATH HOME USER LOGNAME SHELL TMPDIR TZ LANG LANGUAGE"
_A_TERMINAL = "TERM COLORTERM COLUMNS LINES NO_COLOR FORCE_COLOR CI"
_A_NETWORK = (
    "HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy "
    "SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE"
)
_PYTHON = (
    "VIRTUAL_ENV PYTHONPATH PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED PYTHONHASHSEED PYTHONWARNINGS PYTHONUTF8 "
    "PYTHONIOENCODING PYTHONFAULTHANDLER"
)
"""Where modules are beside the virtual environment, and how Python behaves. Not what it runs at its start (PYTHONSTARTUP)."""
KEPT = frozenset(" ".join((_A_USER, _A_TERMINAL, _A_NETWORK, _PYTHON)).split())
"""Names of variables. None of them is made for a credential."""
PREFIXES = ("LC_", "MODELYARD_", "XDG_")
"""Beginnings of names: the language's categories, the product's own, and the folders of a desktop."""
_SET_HERE = ("MODELYARD_REGISTRY_", "MODELYARD_DEPLOYED_")
"""The product's own that lead to a real registry, or say what is deployed: the sandbox has its own of both."""
_GO = (
    "GOPATH GOROOT GOCACHE GOMODCACHE GOPROXY GOSUMDB GONOSUMDB GOPRIVATE GONOPROXY GOENV GOTOOLCHAIN GOTMPDIR GOMAXPROCS "
    "GOFLAGS CC"
)
_PIP = "PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_CERT PIP_CONFIG_FILE PIP_CACHE_DIR PIP_DEFAULT_TIMEOUT"
_FETCHING = frozenset(" ".join((_GO, _PIP, "DEBIAN_FRONTEND")).split())
"""What go, pip and apt need besides: caches, compilers, and mirrors, which may ask for a password of their own."""


def kept(caller: Mapping[str, str]) -> dict[str, str]:
    """What a process of the sandbox gets of the caller's environment."""
    return {name: value for name, value in caller.items() if _keeps(name) and not _signs_in(name, value)}


def of_this_process() -> dict[str, str]:
    """The same of this process's own environment."""
    return kept(os.environ)


def for_fetching() -> dict[str, str]:
    """What a program gets that only fetches or builds programs of pinned digests: its mirrors and proxies, and no cloud."""
    return {name: value for name, value in os.environ.items() if _keeps(name) or name in _FETCHING}


def unset_the_rest() -> str:
    """The same rule as a line for a shell that reads the sandbox's variables: it unsets whatever is on no list."""
    stays = "|".join([*sorted(KEPT), *(f"{each}*" for each in PREFIXES), "PWD", "OLDPWD", "SHLVL", "_"])
    goes = "|".join(f"{each}*" for each in _SET_HERE)
    names = "$(env | sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p')"
    return (
        f'for modelyard_name in {names}; do case "$modelyard_name" in {goes}) unset "$modelyard_name";; {stays}) ;; '
        '*) unset "$modelyard_name";; esac; done; unset modelyard_name'
    )


def _keeps(name: str) -> bool:
    return name in KEPT or (name.startswith(PREFIXES) and not name.startswith(_SET_HERE))


def _signs_in(name: str, value: str) -> bool:
    """Whether it is the address of a proxy that has a user in it."""
    return name.lower().endswith("_proxy") and "@" in value

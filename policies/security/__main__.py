"""The security pack alone, for `pulumi preview --policy-pack policies/security` with the official CLI."""

import sys
from pathlib import Path

from policies.process import run

if __name__ == "__main__":
    run(sys.argv[1:], "security", Path(__file__).resolve().parents[2] / "guard.yaml")

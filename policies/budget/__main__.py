"""The budget pack alone, for `pulumi preview --policy-pack policies/budget` with the official CLI."""

import sys
from pathlib import Path

from policies.process import run

if __name__ == "__main__":
    run(sys.argv[1:], "budget", Path(__file__).resolve().parents[2] / "guard.yaml")

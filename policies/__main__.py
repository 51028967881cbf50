"""All packs in one process, for `pulumi preview --policy-pack policies/run`."""

import sys

from policies.process import run

if __name__ == "__main__":
    run(sys.argv[1:])

"""All packs in one process, for `pulumi preview --policy-pack policies/run`."""

from policies.packs import run

if __name__ == "__main__":
    run()

"""The budget pack alone, for `pulumi preview --policy-pack policies/budget` with the official CLI."""

from policies.packs import run

if __name__ == "__main__":
    run("budget")

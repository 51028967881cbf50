"""The security pack alone, for `pulumi preview --policy-pack policies/security` with the official CLI."""

from policies.packs import run

if __name__ == "__main__":
    run("security")

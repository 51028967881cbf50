"""`modelyard preview`: one report of a change, and the pull request that it is posted on."""

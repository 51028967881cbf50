"""Where a stack lives: the sandbox, an account, or a kubeconfig's cluster."""

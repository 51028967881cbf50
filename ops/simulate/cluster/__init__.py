"""The simulated cluster: the pools and instance types that Karpenter is given, KWOK in place of kubelets, and what happened."""

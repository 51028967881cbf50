"""What the real Karpenter would do with a load, before an `up`: its KWOK provider is given a stack's pools and our prices."""

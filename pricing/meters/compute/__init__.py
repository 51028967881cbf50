"""What machines cost: EC2 instances and fleets, EKS clusters, and the nodes that Karpenter may buy."""

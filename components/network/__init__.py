"""The network: a VPC and its subnets, or one that is there already."""

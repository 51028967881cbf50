"""What networks cost: ways in and out, load balancers and gateways."""

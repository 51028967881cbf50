"""What a text in a Spec is, each with the rule of whoever reads it: AWS, Kubernetes, MLflow, or a person."""

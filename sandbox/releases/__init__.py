"""What Helm releases would bring, on a node that reaches no chart: the same programs, built here, in pods of our own writing."""

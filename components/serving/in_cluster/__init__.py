"""The program that fetches a model into a pod; it imports only what the pod's image has."""

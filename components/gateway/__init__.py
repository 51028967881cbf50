"""The gateway before the models: Envoy Gateway, one Gateway, and who may come through it."""

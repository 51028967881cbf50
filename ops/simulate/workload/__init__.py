"""The load: manifests and short forms, reduced to what decides where a pod goes."""

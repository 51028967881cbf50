"""Programs that a ConfigMap brings into the registry's own pods; they import only what its image has."""

"""Programs that run inside the platform's pods: each is one file that imports only what its image has."""

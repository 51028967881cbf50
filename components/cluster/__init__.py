"""The control plane: made here, or one that is there already, with its add-ons and who may reach it."""

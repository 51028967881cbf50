"""The kinds of items that a registry holds, a module for each family."""

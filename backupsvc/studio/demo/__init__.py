"""A believable studio to try things on: the same rows and files for the same seed, always."""

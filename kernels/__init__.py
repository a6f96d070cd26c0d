"""The hot loops, each with a plain reference that is its specification."""

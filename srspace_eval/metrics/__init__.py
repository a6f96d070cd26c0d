"""Metrics as pure functions on arrays and tensors; import the module you need (``info`` needs no torch)."""

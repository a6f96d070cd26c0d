"""Layers of conditional normalising flows; each returns (output, log|det|) and inverts."""

"""What strangers might send, built here and shown to the program; ``benchmarks/hardening.py`` measures the same."""

"""One function each for what every package needs: files, JSON, TOML, hashing, PNG, untrusted text, progress, devices.

In and out: bytes, text and paths; nothing here knows submissions, metrics or results.
May be imported by: every package. Imports only ``errors``; only ``devices`` imports torch.
"""

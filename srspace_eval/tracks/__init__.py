"""A challenge as data: its scale, file names, metrics and ranking rule.

In: a TOML file, or the name of a built-in one. Out: a ``Track``.
Every room may import it, except ``kernels``, ``metrics`` and ``flows``. It imports no torch.
"""

"""DISTS: ``metric.py`` declares it (no torch), ``network.py`` and ``function.py`` compute it."""

"""Metrics of the package pyiqa, if the user has installed it: ``metric = "pyiqa:NAME"``.

``metric.py`` declares them (no torch), ``network.py`` runs them. pyiqa's licence is not for commercial use, so that it
is neither a dependency nor an extra of this package.
"""

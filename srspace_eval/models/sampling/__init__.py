"""Samples of one LR.

In: a model, an LR as an array (h, w, 3) of uint8, and settings. Out: samples (n, h·scale, w·scale, 3) of uint8.
``models.base`` and ``models.folders`` import this package; it imports only the types of ``models.protocol``.
"""

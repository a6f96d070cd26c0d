"""NIQE, BRISQUE and PIQE: metrics without a reference, from statistics of natural scenes. Imports no torch.

``metric.py`` declares them; ``niqe.py``, ``brisque.py`` and ``piqe.py`` compute them; ``statistics.py`` has their
common parts; ``parameters/`` has the authors' models with their licence.
"""

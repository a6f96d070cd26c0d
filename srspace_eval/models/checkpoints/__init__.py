"""Checkpoint files: reading, recognising, describing and converting them.

In: a ``.pth`` or ``.safetensors`` file. Out: its network with weights, or a description, or a converted file.
``models.loading`` and ``models.folders`` import this package; no code in a checkpoint is ever executed.
"""

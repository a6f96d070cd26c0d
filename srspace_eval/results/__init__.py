"""Results on disk: their types, their JSON documents, and the boards (folders) that hold them.

In: a ``Result`` to write, or a board's folder. Out: checked files, ``Result`` and ``Board`` values.
``scoring``, ``ranking``, ``report``, ``study``, ``codabench`` and ``cli`` may import it. It imports no torch.
"""

"""From a submission to its result: pairing and inspection, measuring, the result on the board.

In: a submission, its GT, options. Out: a :class:`~srspace_eval.results.record.Result`, also written to the board.
May be imported by: ``demo``, ``codabench``, ``cli`` and the public API. Uses torch.
"""

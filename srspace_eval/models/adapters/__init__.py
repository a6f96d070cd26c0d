"""The networks behind the :class:`~srspace_eval.models.base.Model` interface.

In: a network with its weights (the flows, RRDB), or a scale (bicubic). Out: a model that decodes, samples, encodes.
``models.plugins`` and ``models.loading`` import this package; third parties may.
"""

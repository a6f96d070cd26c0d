"""What is measured: one folder a metric, with its declaration (``metric.py``) and its pure function (``function.py``).

In: pictures, as arrays and tensors. Out: numbers, and what each metric is, needs and is called (:mod:`.registry`).
May be imported by: everything. Declarations, :mod:`.base`, :mod:`.measures` and :mod:`.registry` import no torch.
"""

"""LR test sets with a known degradation: blur, downscaling, noise, JPEG.

In: HR pictures, options, a seed, and pools of kernels or noise. Out: LR pictures, and a record of what was applied to
each. May be imported by: ``cli`` and the public API; it imports ``kernels.cubic`` and ``submissions``, and no torch.
"""

"""SSIM: ``metric.py`` declares it (no torch), ``function.py`` computes it."""

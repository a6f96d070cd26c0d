"""The diversity score S_M: ``metric.py`` declares its forms (no torch), ``function.py`` computes them from maps."""

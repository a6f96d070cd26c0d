"""PSNR and LR-PSNR: ``metric.py`` declares them (no torch), ``function.py`` computes them."""

"""The parts of a bundle's check, one module each. Used by :mod:`srspace_eval.codabench.check`."""

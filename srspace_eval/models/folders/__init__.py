"""Whole folders: LRs to a submission, and GTs to likelihoods.

In: a model and folders of 8-bit RGB PNGs. Out: a folder of samples with its sampling record, or likelihoods.
The public functions are re-exported by ``models``; no other room imports this package.
"""

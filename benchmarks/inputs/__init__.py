"""What benchmarks and tests both need: made-up weights, pictures, submissions, boards, and hostile files.

A benchmark imports this folder as ``inputs``, a test as ``benchmarks.inputs``. Its modules use relative imports.
Nothing here imports tests. The installed package does not contain it.
"""

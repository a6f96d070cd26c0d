"""Files and names that attack the program. A case has what builds it and the words of the error that must name it.

``tests/hardening`` checks the errors, ``benchmarks/hardening.py`` measures what each case costs, and
``benchmarks/fuzz.py`` starts from them.
"""

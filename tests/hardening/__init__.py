"""Hostile inputs of ``benchmarks/inputs/hostile`` through the public functions and commands.

``benchmarks/hardening.py`` measures their cost.
"""

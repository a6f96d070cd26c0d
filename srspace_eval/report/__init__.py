"""Leaderboards as text and pages.

In: a :class:`srspace_eval.ranking.Ranking`. Out: the terminal's table, CSV, JSON, Markdown, LaTeX, a folder of HTML.
All formats render one table model, :func:`srspace_eval.report.table.make_table`.
May be imported by ``study``, ``codabench`` and ``cli``. Imports no torch.
"""

"""Leaderboards as a folder of HTML pages that works from the disk.

In: rankings, and where their pictures are. Out: the folder.
May be imported by ``report.files`` and ``cli``. Imports no torch.
"""

from srspace_eval.report.html.site import write_site
from srspace_eval.report.html.viewer import Pictures

__all__ = ["Pictures", "write_site"]

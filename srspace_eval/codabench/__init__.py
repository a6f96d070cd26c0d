"""A challenge on the competition platform Codabench: the bundle, and the scoring program inside it.

In: a track, its phases and their GTs. Out: a bundle to upload; inside the platform, scores of a submission.
May be imported by: ``cli`` and the public API. Imports torch only where a submission is measured.
"""

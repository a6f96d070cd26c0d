"""What was sent: a submission's files found, paired with their GT and checked.

In: a folder or zip of samples, the GT, a track. Out: a :class:`~srspace_eval.submissions.check.SubmissionCheck`.
May be imported by: ``scoring``, ``models``, ``report``, ``study``, ``codabench``, ``cli``. Imports no torch.
"""

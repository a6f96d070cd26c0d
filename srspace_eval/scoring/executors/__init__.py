"""Where images are measured: threads of this process, or the workers of a Dask cluster.

In: the tasks of a run, and where their files are. Out: one record for each image, as soon as it is complete.
May be imported by: ``scoring``. Uses torch; Dask is imported only if a scheduler is given.
"""

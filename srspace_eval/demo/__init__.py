"""The whole pipeline on built-in pictures.

In: an empty folder, or the folder of an earlier demo. Out: pictures, three submissions, their results, and a site.
May be imported by: ``cli`` and the public API. Uses torch.
"""

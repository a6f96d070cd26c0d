"""How messages and help name a page of the documentation: its title, and its address.

The site's address is set in one place, ``project_urls`` of ``setup.cfg``. It is read from the installed metadata.
"""

from __future__ import annotations

from functools import cache

TITLES = {
    "codabench": "Run a challenge on Codabench",
    "concepts/bicubic": "MATLAB's three bicubics",
    "concepts/diversity": "The diversity score S_M",
    "degrade": "LRs with a known degradation",
    "guides/author": "Numbers for a paper",
    "guides/method": "Your own method",
    "guides/organiser": "From zips to a published board",
    "guides/quickstart": "Quickstart",
    "guides/study": "The human study",
    "guides/weights": "Weights of LPIPS",
    "reference/errors": "Errors",
    "reference/faq": "FAQ",
    "tracks": "Track files",
    "verify": "Verify a result",
}
"""Page, as a path without suffix in ``docs/`` -> its heading."""


def page_reference(page: str, anchor: str = "") -> str:
    """The title and the address of a page.

    Parameters
    ----------
    page
        One of :data:`TITLES`.
    anchor
        A heading of the page, as addresses write it.

    Returns
    -------
    str
        The title in quotes and the address. If the package is not installed, the file in the repository.

    Examples
    --------
    >>> page_reference("guides/quickstart").partition(",")[0]
    '"Quickstart"'
    """
    site = _site()
    path = f"{site}/{page}.html" if site else f"docs/{page}.md"
    return f'"{TITLES[page]}", {path}' + (f"#{anchor}" if anchor else "")


def install_lines() -> tuple[str, str]:
    """How a reader elsewhere gets this package, as two lines of a shell: where its repository is, and the command.

    The package is on no index. The repository's address is that of ``project_urls`` in ``setup.cfg``.

    Examples
    --------
    >>> install_lines()[1]
    'pip install .'
    """
    return f"# in a copy of the repository of srspace-eval{_of('Source', ': ')}", "pip install ."


@cache
def _site() -> str:
    """The documentation's address from the metadata; empty if there is none."""
    return _of("Documentation").rstrip("/")


def _of(name: str, before: str = "") -> str:
    """An address of the project from the metadata, after ``before``; empty if there is none."""
    from importlib.metadata import PackageNotFoundError, metadata  # imported late: --help and errors alone need it

    try:
        urls = metadata("srspace-eval").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    found: dict[str, str] = dict(url.split(", ", 1) for url in urls if ", " in url)
    return f"{before}{found[name]}" if found.get(name) else ""

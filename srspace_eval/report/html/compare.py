"""The data of the page that shows teams against each other. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_OF_IMAGE = ("name", "height", "width", "gt", "crop", "exact", "thumbnail")


def compare_data(shown: Sequence[tuple[str, str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """What the page shows of each image that at least two teams show.

    Parameters
    ----------
    shown
        (name, file name of the team's viewer, image -> its description in that viewer) of each team.

    Returns
    -------
    Image -> its description: the GT's, and each team's samples.
    """
    found = {}
    for image in dict.fromkeys(image for *_, views in shown for image in views):
        own = [(name, file, views[image]) for name, file, views in shown if image in views]
        first = own[0][2]
        own = [one for one in own if one[2]["gt"] == first["gt"]]  # measured in another size: another GT beside it
        if len(own) < 2:
            continue
        teams = [
            {
                "team": name,
                "id": file,
                "samples": [{k: v for k, v in sample.items() if k != "share"} for sample in view["samples"]],
            }
            for name, file, view in own
        ]
        found[image] = {**{key: first[key] for key in _OF_IMAGE if key in first}, "teams": teams}
    return found

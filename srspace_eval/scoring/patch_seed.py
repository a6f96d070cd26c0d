"""The seed of the sampled diversity score's patches, where the organiser fixes none."""

from __future__ import annotations

import secrets
from dataclasses import replace

from srspace_eval._utils.machine_secret import ENVIRONMENT, keyed_digest, machine_secret
from srspace_eval._utils.notices import notify
from srspace_eval.scoring.options import ScoreOptions


def with_patch_seed(options: ScoreOptions, gt: str) -> ScoreOptions:
    """The options with a seed of the patches, if there are patches without one.

    With a known seed, the places of all patches follow from the images' public names, and samples can be polished
    there. The seed therefore follows from this machine's secret and the GTs: it is random to participants, the same
    for all teams, and the same when a stopped run goes on. The signature records it. Once a result is published, the
    seed is known; give another one for the next phase.

    Parameters
    ----------
    gt
        The joint digest of the GTs.
    """
    plan = options.patches
    if plan is None or plan.seed is not None:
        return options
    try:
        seed = int(keyed_digest(machine_secret(), b"patches", gt.encode())[:8], 16)
    except OSError as error:
        seed = secrets.randbelow(1 << 32)
        notify(
            f"the seed of the patches is {seed}, of this run alone, as the state folder cannot be used ({error}); "
            f"give --seed {seed} for the other teams, or name another folder with {ENVIRONMENT}"
        )
    return replace(options, patches=replace(plan, seed=seed))

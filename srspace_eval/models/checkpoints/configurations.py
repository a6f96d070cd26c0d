"""The published configurations of SRFlow, SRFlow-DA and NCSR."""

from __future__ import annotations

from srspace_eval.flows.spec import FlowSpec, NetKind, SplitKind

WIDE, EARLY = (1, 8, 15, 22), (1, 3, 5, 7)
"""The stacked blocks: RRDB blocks, from 0, whose outputs condition the flow."""

NETS: dict[str, NetKind] = {
    "srflow": "pointwise",
    "ncsr": "pointwise",
    "srflow_da": "deep",
    "srflow_da_r": "residual",
    "srflow_da_s": "deep",
    "srflow_da_d": "residual_stack",
}
SPLITS: dict[str, SplitKind] = {
    "srflow": "before_last_two",
    "ncsr": "before_last_two",
    "srflow_da": "before_last",
    "srflow_da_r": "before_last",
    "srflow_da_s": "within",
    "srflow_da_d": "before_last",
}


def flow_spec(family: str, scale: int, levels: int, steps: int, blocks: int = 23) -> FlowSpec:
    """The flow of a family. The family and the scale determine its nets, splits, stacked blocks and noise.

    >>> flow_spec("srflow", 8, 4, 16).stacked
    (1, 3, 5, 7)
    """
    return FlowSpec(
        scale=scale,
        blocks=blocks,
        stacked=EARLY if (family, scale) == ("srflow", 8) else WIDE,
        levels=levels,
        steps=steps,
        net=NETS[family],
        splits=SPLITS[family],
        # NCSR: the last 16 coupling steps of the two coarsest levels read the noise map.
        noise=((0,) * (levels - 2) + (16, 16))[-levels:] if family == "ncsr" else (),
    )


CONFIGURATIONS: dict[str, tuple[str, FlowSpec]] = {
    "srflow_df2k_x4": ("srflow", flow_spec("srflow", 4, 3, 16)),
    "srflow_df2k_x8": ("srflow", flow_spec("srflow", 8, 4, 16)),
    "srflow_celeba_x8": ("srflow", flow_spec("srflow", 8, 4, 16, blocks=8)),
    "srflow_da_df2k_x4": ("srflow_da", flow_spec("srflow_da", 4, 2, 6)),
    "srflow_da_df2k_x8": ("srflow_da", flow_spec("srflow_da", 8, 3, 6)),
    "srflow_da_r_df2k_x4": ("srflow_da_r", flow_spec("srflow_da_r", 4, 2, 6)),
    "srflow_da_r_df2k_x8": ("srflow_da_r", flow_spec("srflow_da_r", 8, 3, 6)),
    "srflow_da_d_df2k_x4": ("srflow_da_d", flow_spec("srflow_da_d", 4, 2, 1)),
    "srflow_da_d_df2k_x8": ("srflow_da_d", flow_spec("srflow_da_d", 8, 3, 1)),
    "srflow_da_s_df2k_x4": ("srflow_da_s", flow_spec("srflow_da_s", 4, 1, 12)),
    "srflow_da_s_df2k_x8": ("srflow_da_s", flow_spec("srflow_da_s", 8, 1, 18)),
    "ncsr_df2k_x4": ("ncsr", flow_spec("ncsr", 4, 3, 16)),
    "ncsr_df2k_x8": ("ncsr", flow_spec("ncsr", 8, 4, 20)),
}
"""Name of a configuration -> (family, flow)."""

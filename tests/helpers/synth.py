"""Deterministic stand-ins for what cannot be downloaded: network weights and pictures.

Every value follows from a name (or a seed) through NumPy's Philox generator, so the same
weights and pictures come out on any machine. The expected results beside this file were
computed by the original programs on exactly these weights and pictures.

    weights = state_dict(manifest, seed=1)      # {parameter name: float32 array}
    trunk   = alexnet_features(seed=1)          # torchvision's names: features.0.weight ...
    gt      = picture(height, width, seed)      # uint8 (H, W, 3)
    srs     = sample_set(gt, scale, n, seed)    # list of n uint8 arrays, cropped to multiples of 8
"""

import zlib

import numpy as np


def _rng(name, seed):
    return np.random.Generator(np.random.Philox(key=[zlib.crc32(name.encode()), seed]))


# --- weights of the flow and RRDB networks -------------------------------------------------


def state_dict(manifest, seed=1):
    """{name: shape} -> {name: float32 array}, scaled so that the flows stay finite both ways."""
    return {name: parameter(name, tuple(shape), manifest, seed) for name, shape in manifest.items()}


def parameter(name, shape, manifest, seed=1):
    x = _rng(name, seed).standard_normal(shape)
    prefix, _, leaf = name.rpartition(".")
    if prefix.endswith("invconv"):  # a random rotation: invertible
        q, r = np.linalg.qr(x)
        return (q * np.sign(np.diag(r))).astype(np.float32)
    if leaf == "weight":
        zeros_conv = len(manifest.get(prefix + ".logs", ())) == 3
        if ".fAffine2." in name or ".fFeatures2." in name:
            gain = 0.3  # residual stacks grow with depth
        elif zeros_conv:
            gain = 0.02 if prefix.endswith(".conv") else 0.06
        else:
            gain = 0.5 if name.startswith("RRDB") else 0.8
        x = x * gain / np.sqrt(np.prod(shape[1:]))
    elif leaf == "logs" and prefix.endswith(".actnorm") and prefix.count(".") == 3:
        step = prefix[: -len("actnorm")]  # a flow step's own actnorm
        mean = 0.0
        if step + "affine.fAffine.0.weight" in manifest or step + "affine.fAffine1.0.weight" in manifest:
            mean = 0.25 if step + "affine.fAffine_std.0.weight" in manifest else 0.19
        x = 0.02 * x + mean
    else:
        x = 0.02 * x
    return x.astype(np.float32)


# --- weights of the AlexNet trunk that LPIPS uses ------------------------------------------

ALEXNET_SHAPES = {
    0: (64, 3, 11, 11),
    3: (192, 64, 5, 5),
    6: (384, 192, 3, 3),
    8: (256, 384, 3, 3),
    10: (256, 256, 3, 3),
}


def alexnet_features(seed=1):
    """A synthetic AlexNet trunk under torchvision's parameter names."""
    out = {}
    for layer, shape in ALEXNET_SHAPES.items():
        w, b = f"features.{layer}.weight", f"features.{layer}.bias"
        out[w] = (_rng(w, seed).standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))).astype(np.float32)
        out[b] = (_rng(b, seed).standard_normal(shape[:1]) * 0.05).astype(np.float32)
    return out


# --- pictures ------------------------------------------------------------------------------


def picture(height, width, seed):
    """uint8 (height, width, 3): overlapping shaded rectangles and discs over a gradient."""
    rng = _rng("picture", seed)
    y, x = np.mgrid[0:height, 0:width]
    img = np.stack([(x * a + y * b) % 256 for a, b in rng.uniform(0.05, 0.4, (3, 2))], axis=-1)
    for _ in range(160):
        cy, cx = rng.integers(0, height), rng.integers(0, width)
        r = int(rng.integers(3, max(4, min(height, width) // 3)))
        inside = (
            ((y - cy) ** 2 + (x - cx) ** 2 < r * r)
            if rng.random() < 0.5
            else ((abs(y - cy) < r) & (abs(x - cx) < r // 2 + 1))
        )
        stripes = ((x * int(rng.integers(1, 9)) + y * int(rng.integers(1, 9))) // int(rng.integers(2, 9))) % 2
        tint = rng.uniform(0, 255, 3) + stripes[..., None] * rng.uniform(-60, 60, 3)
        img = np.where(inside[..., None], tint, img)
    img = img + _noise(rng, img.shape) * 3
    return np.clip(np.floor(img + 0.5), 0, 255).astype(np.uint8)


def sample_set(gt, scale, n, seed):
    """n different 'super-resolutions' of gt: its block means plus a varying share of its detail."""
    h, w = gt.shape[0] // 8 * 8, gt.shape[1] // 8 * 8
    gt = gt[:h, :w].astype(np.float64)
    coarse = gt.reshape(h // scale, scale, w // scale, scale, 3).mean(axis=(1, 3))
    coarse = coarse.repeat(scale, axis=0).repeat(scale, axis=1)
    out = []
    for k in range(n):
        rng = _rng(f"sample{k}", seed)
        share = rng.uniform(0.1, 1.0, (h // 8, w // 8)).repeat(8, axis=0).repeat(8, axis=1)[..., None]
        sr = coarse + share * (gt - coarse) + _noise(rng, gt.shape) * rng.uniform(0.2, 2.0)
        out.append(np.clip(np.floor(sr + 0.5), 0, 255).astype(np.uint8))
    return out


def _noise(rng, shape):
    """Unit-variance, near-normal, from uniforms alone (no libm in the way)."""
    return rng.random((4, *shape)).sum(axis=0) * np.sqrt(3.0) - 2 * np.sqrt(3.0)

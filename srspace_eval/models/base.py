"""The base classes of all models, of the adapters here and of plug-ins: :class:`Model` and :class:`Flow`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torch import Tensor

from srspace_eval.models.protocol import Conditioning, Decoder, LatentShape, ModelConfig, Quantize
from srspace_eval.models.sampling.samples import sample_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Conditioning", "Flow", "LatentShape", "Model", "ModelConfig", "Quantize"]


@runtime_checkable
class Model(Decoder, Protocol):
    """A super-resolution model: a :class:`~srspace_eval.models.protocol.Decoder` that can also :meth:`sample`.

    A class that inherits from it gets :meth:`sample` and defines the rest itself;
    :mod:`srspace_eval.models.plugins` has a complete example.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from srspace_eval import Model, ModelConfig
    >>> class NoisyNearest(Model):
    ...     config = ModelConfig("noisy_nearest_x4", "noisy_nearest", scale=4)
    ...     device = torch.device("cpu")
    ...     halo = 0
    ...
    ...     def condition(self, lr):
    ...         return torch.nn.functional.interpolate(lr, scale_factor=4)
    ...
    ...     def latent_shapes(self, height, width):
    ...         return ((3, 4 * height, 4 * width),)
    ...
    ...     def decode(self, lr, latents):
    ...         return lr + 0.02 * latents[0], None
    ...
    ...     def memory_estimate(self, height, width, n):
    ...         return (1 + n) * 2 * 3 * 4 * height * width * 16
    >>> NoisyNearest().sample(np.full((6, 5, 3), 128, np.uint8), n=3).shape
    (3, 24, 20, 3)
    """

    def sample(
        self, lr: NDArray[np.uint8], n: int = 10, heat: float = 0.9, seed: int = 0, *, image: str | None = None
    ) -> NDArray[np.uint8]:
        """Make n samples of one LR.

        Calls :func:`srspace_eval.models.sampling.samples.sample_array`, which has further options.

        Parameters
        ----------
        lr
            (h, w, 3) uint8.
        n
            Number of samples.
        heat
            Standard deviation of the latents, 0 or more.
        seed
            Seed of the latents, any integer.
        image
            The image's name. The latents depend on it. ``srspace-eval sample`` uses the LR file's name without the
            suffix and the ``x4`` of DIV2K. None: a name that follows from the LR's content, so that different LRs get
            different latents.

        Returns
        -------
        NDArray[np.uint8]
            (n, h·scale, w·scale, 3) uint8.

        Raises
        ------
        InputError
            If an argument has the wrong shape, type or range.
        SamplingError
            If samples are not finite, or there is not enough memory.

        Examples
        --------
        >>> import numpy as np
        >>> from srspace_eval.models.adapters.bicubic import Bicubic
        >>> Bicubic(4).sample(np.zeros((6, 5, 3), np.uint8), n=2).shape
        (2, 24, 20, 3)
        """
        return sample_array(self, lr, n=n, heat=heat, seed=seed, image=image)


@runtime_checkable
class Flow(Model, Protocol):
    """A conditional normalising flow: a model whose pictures have a likelihood.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> import torch
    >>> from srspace_eval import Flow, ModelConfig
    >>> class NoisyNearest(Flow):
    ...     config = ModelConfig("noisy_nearest_x4", "noisy_nearest", scale=4)
    ...     device = torch.device("cpu")
    ...     halo = 0
    ...
    ...     def condition(self, lr):
    ...         return torch.nn.functional.interpolate(lr, scale_factor=4)
    ...
    ...     def latent_shapes(self, height, width):
    ...         return ((3, 4 * height, 4 * width),)
    ...
    ...     def decode(self, lr, latents):
    ...         return lr + 0.02 * latents[0], torch.zeros(len(latents[0]))
    ...
    ...     def encode(self, lr, hr):
    ...         z = (hr - self.condition(lr)) / 0.02
    ...         logdet = torch.full((len(z),), -math.log(0.02) * z[0].numel())
    ...         density = logdet + torch.distributions.Normal(0, 1).log_prob(z).sum((1, 2, 3))
    ...         return [z], logdet, -density / (math.log(2) * z[0, 0].numel())
    ...
    ...     def memory_estimate(self, height, width, n):
    ...         return (1 + n) * 2 * 3 * 4 * height * width * 16
    >>> lr = torch.full((1, 3, 6, 5), 0.5)
    >>> latents, logdet, nll = NoisyNearest().encode(lr, torch.full((1, 3, 24, 20), 0.5))
    >>> round(float(nll[0]), 2)
    -12.95
    """

    def encode(self, lr: Tensor | Conditioning, hr: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """Compute the latents of given pictures; the inverse of :meth:`~srspace_eval.models.protocol.Decoder.decode`.

        Parameters
        ----------
        lr
            An LR as :meth:`~srspace_eval.models.protocol.Decoder.condition` takes it, or the result of that method.
        hr
            (N, 3, h·scale, w·scale) float32 in [0, 1].

        Returns
        -------
        latents, logdet, nll:
            The latents in encoding order; the log-determinants (N,) in nats; the exact negative log-likelihoods (N,)
            in bits per HR pixel, −(logdet + log N(z; 0, 1)) / (ln 2 · H·W). Here z is the last latent: ``logdet``
            includes the log-densities of the latents that a flow splits off before it.

        Raises
        ------
        InputError
            If the LR or the pictures have other shapes.
        """
        ...

    def encode_memory_estimate(self, height: int, width: int, n: int) -> int:
        """Upper bound, in bytes, of what one :meth:`encode` allocates beside the parameters.

        The bound is for an LR of height × width and n pictures. It must not shrink when any of the three grows. The
        default is the bound for decoding.

        Parameters
        ----------
        height
            Rows of the LR.
        width
            Columns of the LR.
        n
            Number of pictures that are encoded together.

        Returns
        -------
        int
            Bytes.
        """
        return self.memory_estimate(height, width, n)

"""The hot loops, installed as ``srspace_eval.kernels``.

In: tensors or arrays, already checked by the caller. Out: tensors, on the same device. ``metrics``, ``scoring`` and
``models`` import this room; it imports nothing of the package but ``errors`` and ``_utils``.

Every kernel has a plain reference, which is its specification, and a fast form that a test compares with it:

================== ======================= ================================ =========================================
dispatcher         reference               fast form, on CPUs               form on CUDA
================== ======================= ================================ =========================================
resampling         resampling_reference    resampling_fast                  resampling_triton
distance_maps      distance_maps_reference distance_maps_fast               distance_maps_triton
error_boxes        error_boxes_reference   error_boxes_fast                 error_boxes_triton
coupling.run_net   run_net_reference       blocks of rows                   cuDNN's convolutions, whole maps
UpsampledConv      upsampled_conv_reference phases of the small map         the same, with cuDNN's convolutions
SharedConv         upsampled_conv_reference tiles with fewer points         not used: UpsampledConv
BandedTail         run_net_reference       the same, in bands of tiles      not used: ``can_tile`` refuses it
WinogradConv       ``F.conv2d``            products along rows              not used: ``saves_time`` refuses it
BandedConv         ``F.conv2d``            products in tiles of 4×4         not used: ``can_tile`` refuses it
DenseBlock         ``F.conv2d``            the same, for concatenations     not used: ``can_tile`` refuses it
================== ======================= ================================ =========================================

The first three choose their form in :mod:`~srspace_eval.kernels.dispatch`, and a caller can ask for one by name. The
last seven consist of convolutions alone; on CUDA these are cuDNN's, and a Triton form would not be faster.
:mod:`~srspace_eval.kernels.cubic` holds the weights of the resampling, :mod:`~srspace_eval.kernels.cuda` what all
forms on CUDA share, and :mod:`~srspace_eval.kernels.parallel` the threads of the tiles.
"""

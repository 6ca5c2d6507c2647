"""PSNR and SSIM of aligned crops."""

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from realtime.alignment import CROP_SIZE


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB of two pictures of one shape."""
    error = float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
    return 10 * float(np.log10(255**2 / max(error, 1e-9)))


def ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Structural similarity of two pictures [H, W, 3]; Z. Wang et al., IEEE TIP 13(4), 2004."""
    return float(structural_similarity(a, b, channel_axis=2, data_range=255))


def lower_face(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lower half of a canonical crop: nose to chin."""
    return crop[CROP_SIZE // 2 :]

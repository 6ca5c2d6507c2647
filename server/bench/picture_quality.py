"""How near one picture is to another: PSNR, SSIM, and LPIPS where its weights are installed."""

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIGMA, WINDOW = 1.5, (11, 11)
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
LIKE_EQUAL_DB = 99.0  # what two equal pictures are said to have

Picture = NDArray[np.uint8]


def ssim(a: Picture, b: Picture) -> float:
    """Structural similarity of two BGR pictures' luma, 1 for equal ones.

    Source: Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli, *Image quality assessment: from error visibility to structural
    similarity*, IEEE TIP 13(4), 2004; Gaussian window, borders left out.
    """
    x, y = (cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float64) for picture in (a, b))
    mean_x, mean_y = _mean(x), _mean(y)
    var_x, var_y = _mean(x * x) - mean_x**2, _mean(y * y) - mean_y**2
    covariance = _mean(x * y) - mean_x * mean_y
    similarity = ((2 * mean_x * mean_y + C1) * (2 * covariance + C2)) / ((mean_x**2 + mean_y**2 + C1) * (var_x + var_y + C2))
    border = WINDOW[0] // 2
    return float(similarity[border:-border, border:-border].mean())


@dataclass(kw_only=True)
class Quality:
    """Figures of many pictures against those that they should be."""

    squared_errors: list[float] = field(default_factory=list)
    similarities: list[float] = field(default_factory=list)
    distances: list[float] = field(default_factory=list)

    def add(self, shown: Picture, wanted: Picture, lpips: Any = None) -> None:
        """lpips: what `load_lpips` gave."""
        self.squared_errors.append(float(((shown.astype(np.float64) - wanted) ** 2).mean()))
        self.similarities.append(ssim(shown, wanted))
        if lpips is not None:
            self.distances.append(lpips(shown, wanted))

    def figures(self) -> dict[str, float | None]:
        """psnr_mouth of the mean squared error, mean ssim_mouth, its worst picture, mean lpips_mouth or None."""
        error = float(np.mean(self.squared_errors))
        return {
            "psnr_mouth": round(min(LIKE_EQUAL_DB, 10 * float(np.log10(255**2 / max(error, 1e-9)))), 2),
            "ssim_mouth": round(float(np.mean(self.similarities)), 4),
            "ssim_mouth_worst": round(min(self.similarities), 4),
            "lpips_mouth": round(float(np.mean(self.distances)), 4) if self.distances else None,
        }


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(values, WINDOW, SIGMA), np.float64)

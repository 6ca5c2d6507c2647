"""Prepared clips → training batches."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from realtime import alignment
from realtime.alignment import MOUTH_BOX, proportions_of
from realtime.errors import ConfigError
from realtime.generators.layers.lent_teeth import in_light_of
from realtime.lip_map import lip_map
from training.augmentation import AugmentationConfig, silences
from training.lip_targets import ALONG as CORNERS
from training.lip_targets import LipBatch, lip_targets
from training.make_up import random_make_up
from training.picture_augmentation import random_look
from training.preprocessing import INNER, KEPT_LANDMARKS, OUTER, PreparedClip
from training.teeth import Shown, around_the_mouth, lenders
from training.voice_cache import HeardClip, hear

WINDOW_HOPS = 28
HOPS_A_FRAME = 4
STREAM_STARTS = 0.3  # share of examples that begin where the clip does
LIPS = INNER + OUTER
UPPER_LIP = KEPT_LANDMARKS.index(alignment.UPPER_LIP)
APART = 3  # frames between a moment that is drawn and one that teeth are from
WIDE_OPEN = 0.15  # of a clip's frames
COVERED_RIM = 3.0  # crop pixels around the inner lips
ALL_COVERED = 60.0  # square crop pixels that the portrait's mouth is wider open: three pixels of twenty
STRETCHED_RIM = 4.0  # crop pixels around the inner lips
ALL_STRETCHED = 1.0  # crop pixels that a point of the lips is moved, on average, beside what all of them are


@dataclass(frozen=True, kw_only=True)
class BatchConfig:
    """clips: a batch; heard: frames of windows a clip, drawn: frames of them that are drawn and judged; silent: share of
    clips with no speech, whose target is the portrait; first: share of portraits that are the clip's first frame; wide_open: of
    those with one of its widest open mouths, teeth and all, which has to be closed (the others are any frame); balance: a
    speaker with n clips is drawn in proportion to n ** balance; dubbed: share of the speaking clips that are heard in a
    synthetic voice, where they have one; added: share of clips from the corpora beside the first, where there are some; made_up:
    share of examples whose skin and lips have other colours (make_up.py); smeared: `Batch.cover` is all that a flow smears, along
    lips that part too, not only what is left between lips that close; lent: share of examples that are lent teeth, their
    speaker's own from another moment."""

    clips: int = 8
    heard: int = 40
    drawn: int = 12
    silent: float = 0.1
    first: float = 0.4
    wide_open: float = 0.25
    balance: float = 0.4
    dubbed: float = 0.5
    added: float = 0.25
    made_up: float = 0.0
    smeared: bool = False
    lent: float = 0.0


@dataclass(frozen=True, kw_only=True)
class LipBatchConfig:
    """clips, heard, dubbed, added: as of `BatchConfig`; own: share of the others that are heard as they are, neither warped nor
    with noise; warm: frames heard before one counts, where the clip does not begin there."""

    clips: int = 8
    heard: int = 40
    dubbed: float = 0.25
    added: float = 0.1
    own: float = 0.3
    warm: int = 15


@dataclass(frozen=True, kw_only=True)
class Batch:
    """B clips, T heard frames, D drawn frames, K landmarks.

    portrait [B, 4, 112, 112], RGB and lip map; windows [B, T, 12, 28]; first_drawn [B]; target [B, D, 3, 112, 112];
    landmarks [B, D, K, 2] and portrait_landmarks [B, K, 2] in crop pixels; opening [B, D, 40, 56]: the target's inner mouth
    in MOUTH_BOX, 0..1; cover [B, D, 40, 56]: where the moved portrait may be painted over, 0..1 (`to_cover`, `smeared_lips`);
    teeth [B, 4, 40, 56]: R, G, B times share, and share, of what the speaker shows between the lips at another moment; 0 where
    none are lent;
    action_units [B, D, 5]: which occur in the target, 0 or 1 ([B, D, 0] where clips have no labels).
    """

    portrait: Tensor
    windows: Tensor
    first_drawn: Tensor
    target: Tensor
    landmarks: Tensor
    portrait_landmarks: Tensor
    opening: Tensor
    cover: Tensor
    teeth: Tensor
    action_units: Tensor


class SpeechVideo:
    """Draws batches from prepared clips. lookahead and window offset are the generator's; heard: each clip in other
    voices, made here, without dubs, where it is None; labels: every clip's action units [T, 5], by its key; added: keys of the
    clips that other corpora than the first bring.

    Raises ConfigError where there are no clips, or one that has fewer frames than are drawn, or other labels than frames.
    """

    def __init__(
        self,
        clips: list[PreparedClip],
        *,
        window_offset_hops: int,
        lookahead: int,
        batch: BatchConfig,
        augmentation: AugmentationConfig,
        seed: int,
        heard: Sequence[HeardClip] | None = None,
        labels: Mapping[str, NDArray[np.bool_]] | None = None,
        added: Collection[str] = (),
    ) -> None:
        if not clips or min(len(clip.crops) for clip in clips) < batch.drawn:
            raise ConfigError(f"{len(clips)} clips to learn from: one or more, none under {batch.drawn} frames, were expected")
        if wrong := [clip.key for clip in clips if labels is not None and len(labels.get(clip.key, ())) != len(clip.crops)]:
            raise ConfigError(f"action-unit labels for every frame were expected of {', '.join(wrong[:5])}")
        self.clips, self.batch, self.augmentation = clips, batch, augmentation
        self._labels = [labels[clip.key] if labels else np.zeros((len(clip.crops), 0), np.bool_) for clip in clips]
        self.offset, self.lookahead = window_offset_hops, lookahead
        self._rng = np.random.default_rng(seed)
        self._heard = heard or [hear(clip.key, clip.pcm, (), augmentation, seed) for clip in clips]
        self._silences = silences(400, self._rng)
        spoken = np.concatenate([heard_clip.own[0] for heard_clip in self._heard])
        self.mfcc_mean, self.mfcc_std = spoken.mean(0), spoken.std(0)
        self._chance, self._added = chances(clips, batch, added), added
        self._wide_open = [widest_open(clip.landmarks) for clip in clips]
        self._lenders = lenders(clips, [inner_area(clip.landmarks) for clip in clips]) if batch.lent else {}
        self._lips = [lip_targets(clip.landmarks) for clip in clips]
        self._lip_spread = np.concatenate(self._lips).std(0) + 1e-6

    @property
    def rng_state(self) -> dict[str, object]:
        """For a checkpoint, so that a resumed run goes on as the unbroken one would."""
        return dict(self._rng.bit_generator.state)

    @rng_state.setter
    def rng_state(self, state: dict[str, object]) -> None:
        self._rng.bit_generator.state = state

    @property
    def action_unit_rates(self) -> tuple[float, ...] | None:
        """Share of all frames in which each unit occurs; None without labels."""
        everywhere = np.concatenate(self._labels)
        return tuple(float(rate) for rate in everywhere.mean(0)) or None

    @property
    def lip_numbers(self) -> int:
        """N of a `LipBatch`."""
        return int(self._lips[0].shape[1])

    def draw(self, silent: float | None = None) -> Batch:
        """silent: another share of clips with no speech than the configured one."""
        picked = self._rng.choice(len(self.clips), self.batch.clips, p=self._chance)
        return stack([self._example(int(i), self.batch.silent if silent is None else silent) for i in picked])

    def draw_lips(self, config: LipBatchConfig) -> LipBatch:
        """Speech and the lips' motion, without pictures."""
        chance = chances(self.clips, replace(self.batch, added=config.added), self._added)
        picked = self._rng.choice(len(self.clips), config.clips, p=chance)
        examples = [self._heard_lips(int(i), config) for i in picked]
        return LipBatch(*(torch.from_numpy(np.stack(part)) for part in zip(*examples, strict=True)))

    def _heard_lips(self, index: int, config: LipBatchConfig) -> tuple[NDArray[np.float32], ...]:
        """Windows, lips and what counts of one clip. The last frames' lookahead, where the clip goes on, was not heard."""
        lips, rng, heard = self._lips[index], self._rng, config.heard + self.lookahead
        last = len(lips) - heard
        start = 0 if last <= 0 or rng.random() < STREAM_STARTS else int(rng.integers(1, last + 1))
        clip = self._heard[index]
        if clip.n_dubs and rng.random() < config.dubbed:
            copies = clip.dubs
        else:
            copies = clip.own[:1] if rng.random() < config.own else clip.own
        mfcc = self._coloured(copies[int(rng.integers(len(copies)))])
        frame = start + np.arange(heard)
        has_future = (frame < start + config.heard) | (last <= 0)
        counted = (frame < len(lips)) & has_future & ((frame >= start + config.warm) | (start == 0))
        wanted = lips[np.minimum(frame, len(lips) - 1)] / self._lip_spread
        return slice_windows(mfcc, start, heard, self.offset), wanted, counted.astype(np.float32)

    def _coloured(self, mfcc: NDArray[np.float32]) -> NDArray[np.float32]:
        """As another room or microphone would have it."""
        return np.asarray(mfcc + self._rng.normal(0, self.augmentation.colour, 12) * self.mfcc_std, np.float32)

    def _example(self, index: int, silent_share: float) -> Batch:
        clip, config, rng = self.clips[index], self.batch, self._rng
        heard = config.heard + self.lookahead
        start, first_drawn = self._segment(len(clip.crops), heard)
        reference = self._reference(index)
        silent = rng.random() < silent_share
        frames = np.full(config.drawn, reference) if silent else start + first_drawn + np.arange(config.drawn)
        heard_clip = self._heard[index]
        dubbed = heard_clip.n_dubs > 0 and rng.random() < config.dubbed
        copies = self._silences if silent else heard_clip.dubs if dubbed else heard_clip.own
        mfcc = copies[int(rng.integers(len(copies)))]
        coloured = self._coloured(mfcc)
        windows = slice_windows(mfcc if silent else coloured, start, heard, self.offset)
        look = random_look(rng, proportions_of(clip.landmarks[reference, UPPER_LIP]), clip.landmarks[reference, CORNERS])
        make_up = random_make_up(rng) if config.made_up and rng.random() < config.made_up else None

        def picture(frame: int, of: PreparedClip = clip, light: NDArray[np.float32] | None = None) -> NDArray[np.uint8]:
            crop = of.crops[frame]
            if light is not None:
                crop = np.clip(crop * light + 0.5, 0, 255).astype(np.uint8)
            if make_up is not None:
                crop = make_up.on(crop, of.landmarks[frame, OUTER], of.landmarks[frame, INNER])
            return look.picture(crop)

        def teeth() -> Tensor:
            shown = self._lender(index, frames) if config.lent and rng.random() < config.lent else None
            if shown is None:
                return torch.zeros(4, *opening.shape[1:])
            of = self.clips[shown.clip]
            faces = (torch.from_numpy(around_the_mouth(c)).view(3, 1, 1) for c in (clip.crops[reference], of.crops[shown.frame]))
            seen = _picture(picture(shown.frame, of, in_light_of(*faces).flatten().numpy()))
            x0, y0, x1, y1 = MOUTH_BOX
            share = torch.from_numpy(inner_mouth(look.points(of.landmarks[shown.frame])))[None]
            return torch.cat([seen[:, y0:y1, x0:x1] * share, share])

        landmarks = look.points(clip.landmarks[frames])
        shown = look.points(clip.landmarks[reference])
        opening = np.stack([inner_mouth(points) for points in landmarks])
        covered = smeared_lips if config.smeared else to_cover
        cover = np.stack([covered(points, shown) for points in landmarks])
        if silent:  # the portrait stays as it is, open or closed: there is nothing to paint
            opening, cover = np.zeros_like(opening), np.zeros_like(cover)
        return Batch(
            portrait=_picture(_with_lips(picture(reference), shown)),
            windows=torch.from_numpy(windows),
            first_drawn=torch.tensor(first_drawn),
            target=_picture(np.stack([picture(int(t)) for t in frames])),
            landmarks=torch.from_numpy(landmarks),
            portrait_landmarks=torch.from_numpy(shown),
            opening=torch.from_numpy(opening),
            cover=torch.from_numpy(cover),
            teeth=teeth(),
            action_units=torch.from_numpy(self._labels[index][frames]).float(),
        )

    def _lender(self, index: int, frames: NDArray[np.int64]) -> Shown | None:
        """A frame of the same speaker that shows teeth, none of these frames of this clip, nor near them."""
        shown = self._lenders.get(self.clips[index].speaker, [])
        apart = [s for s in shown if s.clip != index or np.abs(frames - s.frame).min() > APART]
        return apart[int(self._rng.integers(len(apart)))] if apart else None

    def _reference(self, index: int) -> int:
        """The frame that is the portrait."""
        rng, config, n_frames = self._rng, self.batch, len(self.clips[index].crops)
        share = rng.random()
        if share < config.first:
            return 0
        if share < config.first + config.wide_open:
            return int(rng.choice(self._wide_open[index]))
        return int(rng.integers(n_frames))

    def _segment(self, n_frames: int, heard: int) -> tuple[int, int]:
        """First heard frame, and the first drawn one counted from it: often a stream's start, else with all the past it can
        have."""
        rng, config = self._rng, self.batch
        last = max(0, n_frames - heard)
        if last == 0 or rng.random() < STREAM_STARTS:
            room = min(config.heard, n_frames) - config.drawn
            return 0, int(rng.integers(room + 1))
        return int(rng.integers(1, last + 1)), config.heard - config.drawn


def chances(clips: Sequence[PreparedClip], batch: BatchConfig, added: Collection[str]) -> NDArray[np.float64]:
    """How often each clip is drawn, 1 in all: speakers by `batch.balance`, clips of `added` (keys) by their share in all."""
    counts = Counter(clip.speaker for clip in clips)
    weights = np.array([counts[clip.speaker] ** (batch.balance - 1) for clip in clips])
    beside = np.array([clip.key in added for clip in clips])
    if beside.any() and not beside.all():
        weights[beside] *= batch.added / weights[beside].sum()
        weights[~beside] *= (1 - batch.added) / weights[~beside].sum()
    return np.asarray(weights / weights.sum())


def stack(examples: list[Batch]) -> Batch:
    """Single examples → one batch."""
    return Batch(**{name: torch.stack([getattr(e, name) for e in examples]) for name in vars(examples[0])})


def slice_windows(mfcc: NDArray[np.float32], first: int, count: int, offset: int) -> NDArray[np.float32]:
    """Windows [count, 12, 28] of the frames from `first` on; hops outside the sound are digital silence, whose MFCC are 0."""
    hops = (first + np.arange(count))[:, None] * HOPS_A_FRAME + offset + np.arange(WINDOW_HOPS)
    inside = (hops >= 0) & (hops < len(mfcc))
    windows = mfcc[np.clip(hops, 0, len(mfcc) - 1)] * inside[..., None]
    return np.ascontiguousarray(windows.transpose(0, 2, 1), dtype=np.float32)


def widest_open(landmarks: NDArray[np.float32]) -> NDArray[np.int64]:
    """The frames of [T, K, 2] with the largest area between the lips."""
    area = inner_area(landmarks)
    return np.asarray(np.argsort(area)[-max(1, round(WIDE_OPEN * len(area))) :])


def inner_area(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Square crop pixels between the lips, of landmarks [..., K, 2]."""
    x, y = landmarks[..., INNER, 0], landmarks[..., INNER, 1]
    return np.asarray(np.abs((x * np.roll(y, -1, -1) - y * np.roll(x, -1, -1)).sum(-1)) / 2)


def inner_mouth(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The area between the lips as a soft mask [40, 56] over MOUTH_BOX, from one frame's landmarks [K, 2]."""
    return _between_lips(landmarks, rim=0)


def to_cover(landmarks: NDArray[np.float32], portrait: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where lips [K, 2] that come together leave a rest of the portrait's open mouth between them, as a soft mask [40, 56]
    over MOUTH_BOX; nothing where the portrait's mouth is no more open. A flow of one vector for 4 x 4 pixels cannot bring two
    lips to one line: over a vector's width it shows what lay between them, narrow, but there."""
    wider = float(inner_area(portrait) - inner_area(landmarks))
    return _between_lips(landmarks, rim=COVERED_RIM) * np.float32(np.clip(wider / ALL_COVERED, 0, 1))


def smeared_lips(landmarks: NDArray[np.float32], portrait: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mouth and its rim between lips [K, 2] that stand otherwise to each other than the portrait's, as a soft mask [40, 56]
    over MOUTH_BOX. Over the width of a vector a flow shows what lay between the portrait's lips: a rest of teeth where they
    close, and where they part the dark line between them, drawn out to a band."""
    moved = (landmarks - portrait)[LIPS]
    stretched = float(np.linalg.norm(moved - moved.mean(0), axis=1).mean())
    return _between_lips(landmarks, rim=STRETCHED_RIM) * np.float32(np.clip(stretched / ALL_STRETCHED, 0, 1))


def _between_lips(landmarks: NDArray[np.float32], rim: float) -> NDArray[np.float32]:
    """With so many crop pixels around it."""
    x0, y0, x1, y1 = MOUTH_BOX
    fine = 4
    polygon = np.round((landmarks[INNER] - (x0, y0)) * fine).astype(np.int32)
    mask = np.zeros(((y1 - y0) * fine, (x1 - x0) * fine), np.float32)
    cv2.fillPoly(mask, [polygon], 1.0)
    if rim:
        cv2.polylines(mask, [polygon], True, 1.0, thickness=round(2 * rim * fine))
    small = cv2.resize(mask, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 0.8), np.float32)


def _with_lips(crop: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.dstack([crop, lip_map(landmarks[OUTER], landmarks[INNER])])


def _picture(crops: NDArray[np.uint8]) -> Tensor:
    """uint8 [..., H, W, C] → float [..., C, H, W] in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(crops, -1, -3))).float() / 255

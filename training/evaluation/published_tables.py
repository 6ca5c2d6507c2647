"""Tables 3, 4 and 6 of papers/1 and table 2 of papers/2, as published for GRID.

Rows go by the names of the models that reproduce them: of several tables where they are of several. Table 2's first three are
table 6's: the papers share them, figure for figure.
"""

UNITS = ("AU10", "AU14", "AU20", "AU25", "AU26")
FIGURES = (("PSNR", "psnr", 3), ("SSIM", "ssim", 3), ("F1", "au_f1", 3), ("Acc.", "au_accuracy", 2))
UNIT_FIGURES = tuple(
    (f"{unit} {short}", f"{unit.lower()}_{name}", n)
    for unit in UNITS
    for short, name, n in (("F1", "f1", 3), ("Acc.", "accuracy", 2))
)
COLUMNS = {"2": FIGURES + UNIT_FIGURES, "3": FIGURES, "4": FIGURES, "6": FIGURES + UNIT_FIGURES}
PAPER_OF = {"2": "papers/2", "3": "papers/1", "4": "papers/1", "6": "papers/1"}

# fmt: off
SHARED: dict[str, tuple[str, tuple[float, ...]]] = {
    "rec": ("Baseline (rec)", (
        28.681, 0.746, 0.725, 77.77,
        0.745, 71.14, 0.477, 82.01, 0.762, 74.86, 0.939, 89.21, 0.703, 71.65,
    )),
    "rec-per": ("rec, per", (
        28.897, 0.748, 0.732, 78.76,
        0.771, 75.99, 0.501, 82.95, 0.742, 74.26, 0.940, 89.10, 0.708, 71.50,
    )),
    "rec-per-id": ("rec, per, id", (
        29.403, 0.753, 0.735, 79.27,
        0.757, 74.87, 0.516, 82.20, 0.774, 79.13, 0.943, 89.75, 0.685, 70.41,
    )),
}
"""The rows that tables 2 and 6 have in common."""

SAME_AS = {"gru": "rec-per-id"}
"""A row of table 3 that is one of tables 2 and 6, where no model of that name is there: one network, trained alike."""

# Row name: (its label in the paper, its published figures on GRID's test set in COLUMNS' order).
PUBLISHED: dict[str, dict[str, tuple[str, tuple[float, ...]]]] = {
    "2": {
        **SHARED,
        "rec-per-id-adv": ("rec, per, id, adv", (
            29.528, 0.755, 0.736, 79.55,
            0.756, 74.40, 0.511, 83.30, 0.788, 80.37, 0.945, 90.15, 0.682, 69.51,
        )),
        "rec-per-id-adv-au": ("rec, per, id, adv, au", (
            29.618, 0.764, 0.740, 80.20,
            0.761, 75.71, 0.481, 83.80, 0.800, 80.70, 0.946, 90.17, 0.710, 70.63,
        )),
        "gan-full": ("Full model (+ Audio2AU)", (
            29.838, 0.769, 0.751, 80.92,
            0.763, 76.37, 0.531, 83.96, 0.805, 81.64, 0.949, 90.79, 0.707, 71.83,
        )),
    },
    "3": {
        "gru": ("GRU", (29.403, 0.753, 0.735, 79.27)),
        "tcn": ("TCN", (29.671, 0.765, 0.739, 79.45)),
        "attention-tcn": ("Mh-att+TCN", (29.757, 0.766, 0.740, 79.55)),
        "co-attention-tcn": ("Co-att+TCN", (29.720, 0.765, 0.740, 79.50)),
        "tcsan": ("TCSAN", (29.817, 0.767, 0.744, 80.01)),
    },
    "4": {
        "tcsan": ("TCSAN", (29.817, 0.767, 0.744, 80.01)),
        "gan-full": ("Audio2AU, with a GAN", (29.838, 0.769, 0.751, 80.92)),
        "full": ("TCSAN + Audio2AU", (29.971, 0.772, 0.751, 81.15)),
    },
    "6": {
        **SHARED,
        "tcsan": ("rec, per, id + TCSAN", (
            29.817, 0.767, 0.744, 80.01,
            0.756, 74.34, 0.500, 83.03, 0.797, 80.23, 0.946, 90.22, 0.723, 72.21,
        )),
        "tcsan-au": ("rec, per, id, au + TCSAN", (
            29.809, 0.767, 0.746, 80.19,
            0.752, 74.33, 0.517, 82.76, 0.795, 81.17, 0.947, 90.34, 0.719, 72.34,
        )),
        "full": ("Full model (+ Audio2AU)", (
            29.971, 0.772, 0.751, 81.15,
            0.781, 78.17, 0.486, 82.93, 0.813, 81.26, 0.947, 90.42, 0.727, 72.98,
        )),
    },
}
# fmt: on

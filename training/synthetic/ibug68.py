"""The 68 landmarks of iBUG 300-W as points of the face mesh: jaw, brows, nose, eyes, outer and inner lips, each from the
picture's left.

A correspondence of definitions, not a model: nothing of 300-W's data is in it. Jaw points of a mesh stay on the jaw, where those
of 300-W slide along the visible outline of a turned head.
"""

JAW = (127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356)
BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
NOSE = (168, 197, 5, 4, 98, 97, 2, 326, 327)
EYES = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
OUTER_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181)
INNER_LIPS = (78, 82, 13, 312, 308, 317, 14, 87)
MESH_POINTS = JAW + BROWS + NOSE + EYES + OUTER_LIPS + INNER_LIPS

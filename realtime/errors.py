"""Every error that Facewire raises on purpose.

FacewireError                what came, what was expected, what to do
├── AudioError               a sound file or a packet that cannot be read
├── PortraitError            a photograph that cannot become an avatar; `.reason` is machine-readable
├── ModelError               a model folder that is missing, damaged or does not fit
├── MotionError              bytes of the motion stream, or numbers for it, that cannot be taken
├── CapacityError            no room for another session
└── ConfigError              a setting that does not exist or is out of range
"""


class FacewireError(Exception):
    """Base class: a message for a person, never a traceback."""


class AudioError(FacewireError):
    """Sound that cannot be decoded."""


class PortraitError(FacewireError):
    """A photograph that cannot become an avatar.

    `reason` is one of: unreadable, too_large, no_face, several_faces, too_small, turned.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ModelError(FacewireError):
    """A model folder that is missing, damaged, or does not fit this program."""


class MotionError(FacewireError):
    """An atlas or a message of the motion stream that is damaged, of another version, or out of bounds."""


class CapacityError(FacewireError):
    """The engine has no room for another session."""


class ConfigError(FacewireError):
    """A setting that is unknown or out of range."""

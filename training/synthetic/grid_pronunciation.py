"""GRID's 51 words in the phone symbols of Kokoro (those of `misaki`, American English)."""

LETTERS = {
    "a": "ˈA", "b": "bˈi", "c": "sˈi", "d": "dˈi", "e": "ˈi", "f": "ˈɛf", "g": "ʤˈi", "h": "ˈAʧ", "i": "ˈI", "j": "ʤˈA",
    "k": "kˈA", "l": "ˈɛl", "m": "ˈɛm", "n": "ˈɛn", "o": "ˈO", "p": "pˈi", "q": "kjˈu", "r": "ˈɑɹ", "s": "ˈɛs", "t": "tˈi",
    "u": "jˈu", "v": "vˈi", "x": "ˈɛks", "y": "wˈI", "z": "zˈɛd",
}  # fmt: skip
WORDS = {
    "bin": "bˈɪn", "lay": "lˈA", "place": "plˈAs", "set": "sˈɛt",
    "blue": "blˈu", "green": "ɡɹˈin", "red": "ɹˈɛd", "white": "wˈIt",
    "at": "æt", "by": "bI", "in": "ɪn", "with": "wɪð",
    "zero": "zˈɪɹO", "one": "wˈʌn", "two": "tˈu", "three": "θɹˈi", "four": "fˈɔɹ",
    "five": "fˈIv", "six": "sˈɪks", "seven": "sˈɛvən", "eight": "ˈAt", "nine": "nˈIn",
    "again": "əɡˈɛn", "now": "nˈW", "please": "plˈiz", "soon": "sˈun",
}  # fmt: skip


def phones(sentence: str) -> str:
    """`bin blue at f two now` → its phones, a space between words and a full stop at the end.

    Raises KeyError where a word is none of GRID's.
    """
    spoken = LETTERS | WORDS
    return " ".join(spoken[word] for word in sentence.split()) + "."

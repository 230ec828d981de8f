"""Guessing the code page of text that is not UTF-8: which one makes it look like some language.

For each code page and each language that is written with it, the probability of the letters beyond ASCII is computed
under a small model: the letters of the language carry nearly all of it, typographic signs a little, everything else
almost none. Letters are weighed against where they stand: a capital inside a word of small letters, or two scripts in
one word, tell that bytes were read with the wrong page. The page of the likeliest reading is taken.

Columns of names and streets have few words that lists of common words know, so no such lists are used. A handful of
letters does not settle much: then Windows-1252 is taken, unless something speaks against it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

SAMPLE_BYTES = 6_000
_SIGNS = frozenset("€’‘“”„–—…«»°§№·ºª¿¡\u00a0\u3000、。・（）－ー「」：，？！")
_SIGN_MASS, _STRANGE = 0.02, -14.0
_MISPLACED = -5.0
_WORD = re.compile(r"[^\W\d_]{2,}")
_ALPHABETS = ((0x370, 0x400), (0x400, 0x530), (0x590, 0x600), (0x600, 0x700), (0xE00, 0xE80))
_LATIN = {
    "fr": "éèàêçâîôûëïùœüÿæ", "de": "üöäß", "es": "áéíóñúü", "pt": "ãçáéíóêâõúàôü", "it": "àèéìòù", "sv": "åäöé",
    "da": "æøåé", "is": "áðéíóúýþæö", "nl": "ëïéöüè", "pl": "ąęłóśżćńź", "cs": "áíéěýřšžčůúťňóď",
    "sk": "áíéýšžčťúľňóôďäŕĺ", "hu": "áéíóöőúüű", "ro": "ăâîșțşţ", "hr": "čćšžđ",
    "tr": "ıüşğçöİâî", "lt": "ėšžųūįąčę", "lv": "āēīšūļņķģčž", "et": "äõöüšž",
    "western": "áéíóúàèìòùâêîôûäëïöüñçåøæßãõ",
}  # fmt: skip
_OTHER = {
    "ru": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", "uk": "оаинітевркслудмпяьбзгйчжхцюїшєщфґ",
    "sr": "аиоенрјтсувкмдлпгзбљњчћцшжђхфџ",
    "el": "αοιεσντρκπλυμηςγδθωίάόχφβξέύώήζψϊϋΐΰ", "he": "ויהלראמתבשנםדכעפקחןגסזטצךץף",
    "ar": "الينمرتوبسعدهقفحكجشصةطخءضأزذىغثظئؤإآ", "fa": "ایرنمدهوتبسکشزلگفخقحعپجصچطذغضظثآءئژ",
    "th": "".join(chr(code) for code in [*range(0xE01, 0xE3B), *range(0xE3F, 0xE5C)]),
}  # fmt: skip
_PAGES: dict[str, tuple[float, tuple[str, ...]]] = {
    "cp1252": (0.0, ("fr", "de", "es", "pt", "it", "sv", "da", "is", "nl", "et", "western")),
    "cp1250": (-3.0, ("pl", "cs", "sk", "hu", "ro", "hr", "de")), "cp1251": (-2.0, ("ru", "uk", "sr")),
    "cp1253": (-2.0, ("el",)), "cp1254": (-3.0, ("tr",)), "cp1255": (-2.0, ("he",)), "cp1256": (-2.0, ("ar", "fa")),
    "cp1257": (-4.0, ("lt", "lv", "et")), "cp874": (-3.0, ("th",)), "cp932": (-2.0, ("ja",)),
    "gb18030": (-2.0, ("zh",)), "cp949": (-2.0, ("ko",)), "big5": (-2.0, ("tw",)), "euc_jp": (-4.0, ("ja",)),
    "iso8859_2": (-5.0, ("pl", "cs", "sk", "hu", "ro", "hr")), "koi8_r": (-3.0, ("ru",)), "koi8_u": (-5.0, ("uk",)),
    "cp866": (-4.0, ("ru",)), "iso8859_5": (-5.0, ("ru", "sr")), "mac_cyrillic": (-5.0, ("ru", "uk")),
    "iso8859_7": (-4.0, ("el",)), "iso8859_6": (-4.0, ("ar",)),
    "cp850": (-5.0, ("fr", "de", "es", "pt", "it", "sv", "da")),
    "cp852": (-6.0, ("pl", "cs", "sk", "hu", "hr")), "cp857": (-6.5, ("tr",)), "cp737": (-6.5, ("el",)),
    "mac_roman": (-5.0, ("fr", "de", "es", "pt", "it", "sv", "da")), "mac_latin2": (-7.0, ("pl", "cs", "hu")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CodePage:
    """A code page and the languages that are written with it.

    Attributes:
        name: As Python names it.
    """

    name: str

    def likeness(self, text: str) -> float:
        """Return the logarithm of the probability of the signs beyond ASCII in `text`, in the likeliest language."""
        # A list in capitals says as much by its letters as one in small ones.
        plain = _WORD.sub(lambda word: word[0].lower() if word[0].isupper() else word[0], text)
        counts = Counter(sign for sign in plain if sign > "\x7f")
        likeliest = max(_weigh(_model(language), counts) for language in _PAGES[self.name][1])
        return likeliest + _MISPLACED * _misplaced(text)


def guess_code_page(sample: bytes, preferred: Iterable[str] = ()) -> CodePage:
    """Return the likeliest code page of text that is not UTF-8.

    Args:
        sample: Whole lines, or the part of a line.
        preferred: Pages to be taken of several that read the sample alike.
    """
    telling = _telling(sample)
    chosen, best = CodePage("cp1252"), -math.inf
    first = [name for name in preferred if name in _PAGES]
    for name in [*first, *(name for name in _PAGES if name not in first)]:
        page = CodePage(name)
        score = _PAGES[name][0] + page.likeness(telling.decode(name, "replace"))
        if score > best + 1e-9:
            chosen, best = page, score
    return chosen


def _weigh(model: Mapping[str, float], counts: Counter[str]) -> float:
    return sum(count * model.get(sign, _STRANGE) for sign, count in counts.items())


def _telling(sample: bytes) -> bytes:
    """Return the lines with bytes beyond ASCII, each once, up to a bound that is enough to tell."""
    lines = dict.fromkeys(line for line in sample.split(b"\n") if not line.isascii())
    telling = b"\n".join(lines)
    if len(telling) <= SAMPLE_BYTES:
        return telling
    return telling[:SAMPLE_BYTES].rpartition(b"\n")[0] or telling[:SAMPLE_BYTES]


def _misplaced(text: str) -> int:
    """Count signs that do not belong where they stand: capitals after small letters, two scripts in one word."""
    count = 0
    before = " "
    for sign in text:
        if (sign > "\x7f" or before > "\x7f") and sign.isalpha() and before.isalpha():
            if sign.isupper() and before.islower():
                count += 1
            if _script(sign) != _script(before):
                count += 1
        before = sign
    return count


def _script(letter: str) -> int:
    """Tell scripts apart that do not share words; those of East Asia do."""
    code = ord(letter)
    if code < 0x250 or 0x1E00 <= code < 0x1F00:
        return 0
    for place, (start, end) in enumerate(_ALPHABETS):
        if start <= code < end:
            return place + 1
    return 9 if 0xAC00 <= code < 0xD7A4 else 8


@cache
def _model(language: str) -> dict[str, float]:
    """Return how likely each sign beyond ASCII is in a language, as logarithms."""
    signs = {sign: math.log(_SIGN_MASS / len(_SIGNS)) for sign in _SIGNS}
    if language in _LATIN:
        return signs | _ranked(_LATIN[language])
    if language in _OTHER:
        return signs | _ranked(_OTHER[language])
    return signs | _east_asian(language)


def _ranked(letters: str) -> dict[str, float]:
    """Return the letters of an alphabet, given in the order of how common they are, small and capital."""
    weights = {letter: 1 / (place + 3) for place, letter in enumerate(letters)}
    total = sum(weights.values())
    found: dict[str, float] = {}
    for letter, weight in weights.items():
        found.setdefault(letter, math.log(0.8 * weight / total))
        if len(letter.upper()) == 1 and letter.upper() != letter:
            found.setdefault(letter.upper(), math.log(0.18 * weight / total))
    return found


def _east_asian(language: str) -> dict[str, float]:
    """Return the signs of a language by the planes of its own standard, the common ones first."""
    wide = {chr(code): math.log(0.03 / 95) for code in range(0xFF01, 0xFF60)}
    if language == "ja":
        kana = {chr(code): math.log(0.33 / 180) for code in [*range(0x3041, 0x3097), *range(0x30A1, 0x30FF)]}
        narrow = {chr(code): math.log(0.002 / 63) for code in range(0xFF61, 0xFFA0)}
        common, rare = _plane("euc_jp", range(0xB0, 0xD0)), _plane("euc_jp", range(0xD0, 0xF5))
        return wide | narrow | _spread(rare, 0.03) | _spread(common, 0.62) | kana
    if language == "zh":
        common, rare = _plane("gb2312", range(0xB0, 0xD8)), _plane("gb2312", range(0xD8, 0xF8))
        return wide | _spread(rare, 0.15) | _spread(common, 0.75)
    if language == "ko":
        common, rare = _plane("euc_kr", range(0xB0, 0xC9)), _plane("euc_kr", range(0xCA, 0xFE))
        return wide | _spread(rare, 0.01) | _spread(common, 0.95)
    common, rare = _plane("big5", range(0xA4, 0xC7), first=0x40), _plane("big5", range(0xC9, 0xFA), first=0x40)
    return wide | _spread(rare, 0.05) | _spread(common, 0.9)


def _plane(codec: str, leads: range, first: int = 0xA1) -> list[str]:
    pairs = (bytes((lead, trail)) for lead in leads for trail in range(first, 0xFF))
    return [text for pair in pairs if len(text := pair.decode(codec, "ignore")) == 1 and text > "\x7f"]


def _spread(signs: list[str], mass: float) -> dict[str, float]:
    return dict.fromkeys(signs, math.log(mass / len(signs)))

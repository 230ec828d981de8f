"""Words for the fixed values of a filing, in the languages of the forms.

The file holds, for each word, its translations; a word without one is shown in English and the filing says so. The
translations have not been reviewed by native lawyers; free text is never translated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloakroom.toml import parse_document

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Vocabulary", "parse_vocabulary"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words by value and language."""

    words: Mapping[str, Mapping[str, str]]

    def word(self, value: str, language: str) -> tuple[str, bool]:
        """Return the word for a value, and whether it is in `language`."""
        translations = self.words.get(value, {})
        if language in translations:
            return translations[language], True
        return translations.get("en", value.replace("_", " ")), language == "en"


def parse_vocabulary(text: str, source: str) -> Vocabulary:
    """Read a vocabulary: one table for each value, one key for each language.

    Raises:
        RuleError: With every mistake and its line.
    """
    root = parse_document(text, source)
    words: dict[str, Mapping[str, str]] = {}
    for value in root.values:
        table = root.table(value)
        if table is None:
            continue
        translations: dict[str, str] = {}
        for language in table.values:
            if len(language) != 2:
                table.report(language, "must be a language such as fr")
            translations[language] = table.text(language)
        if "en" not in translations:
            table.report(None, "has no English word")
        table.close()
        words[value] = translations
    root.close()
    root.check()
    return Vocabulary(words)

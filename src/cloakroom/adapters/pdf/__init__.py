"""PDF by Typst: our own templates, data handed over as JSON, so that no answer can be read as markup."""

from cloakroom.adapters.pdf.typesetting import Typeset, Typesetter

__all__ = ["Typeset", "Typesetter"]

"""Expressions in words, for people who read a rule beside the statute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cloakroom.duty.expressions import Expression

__all__ = ["render_expression"]

_PLAIN: Final = {
    "based": "the controller's seat is in {}",
    "cause": "the cause is {}",
    "data": "the data hold {}",
    "flag": "the controller is marked {}",
    "harm": "{} is likely",
    "holder": "the holder is {}",
    "nature": "the nature is {}",
    "open": "somebody answers: {}",
    "persons_from": "{} or more persons",
    "persons_over": "more than {} persons",
    "place": "the residence is {}",
    "restored_hours_over": "data were gone for more than {} hours",
    "segment": "the segment is {}",
    "service_harm": "the harm to services is {}",
    "taken": "the taking is {}",
    "unclear": "counsel answers: {}",
}
_FLAGS: Final = {
    ("always", True): "always",
    ("always", False): "never",
    ("deletion_confirmed", True): "deletion is confirmed in writing",
    ("deletion_confirmed", False): "deletion is not confirmed",
    ("intelligible", True): "the data are intelligible",
    ("intelligible", False): "the data are unintelligible and the key is safe",
    ("risk", "risk"): "the assessment finds a risk",
    ("risk", "high"): "the assessment finds a high risk",
}


def render_expression(expression: Expression) -> str:
    """Return an expression as one phrase; brackets stand where the order matters."""
    if expression.op in {"all", "any"}:
        joint = " and " if expression.op == "all" else " or "
        return joint.join(_bracketed(operand) for operand in expression.operands)
    if expression.op == "not":
        return f"not {_bracketed(expression.operands[0])}"
    if expression.op == "data_all":
        return f"the data hold {' and '.join(_words(expression))} of the same persons"
    fixed = _FLAGS.get((expression.op, expression.values[0]))
    return fixed if fixed is not None else _PLAIN[expression.op].format(" or ".join(_words(expression)))


def _bracketed(expression: Expression) -> str:
    words = render_expression(expression)
    return f"({words})" if expression.op in {"all", "any"} and len(expression.operands) > 1 else words


def _words(expression: Expression) -> list[str]:
    plain = expression.op in {"harm", "open", "unclear", "place", "based", "flag"}
    return [
        f"{value:,}" if isinstance(value, int) else value if plain else str(value).replace("_", " ")
        for value in expression.values
    ]

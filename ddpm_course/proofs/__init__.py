"""Checked mathematics: formulas are read, tried in numbers, and proved by a small kernel."""

from .book import assume, cite, define, eq, notation, process
from .chapters import after
from .errors import NotProved, ProofError, Refuted, Undefined, Unreadable, WrongRule
from .tactics import (
    condition,
    gap,
    importance,
    increments,
    induct,
    induct_down,
    innovation,
    mix,
    numeric,
    pointwise,
    tangent,
    using,
)

"""Checked mathematics: formulas are read, tried in numbers, and proved by a small kernel."""

from .bounds import gap, importance, pointwise, tangent
from .chapters import after
from .errors import NotProved, ProofError, Refuted, Undefined, Unreadable, WrongRule
from .tactics import condition, increments, induct, induct_down, innovation, mix, numeric, using
from .words import assume, cite, define, eq, notation, process

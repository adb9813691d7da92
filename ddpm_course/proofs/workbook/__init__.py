"""Exercises that check themselves: `check_answer("3.2", ...)`, `hint("3.2", 1)`."""

from .checking import EXERCISES, check_answer, hint, puzzle
from .replies import Reply, attempt, counterexample

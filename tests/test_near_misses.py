"""Formulas close to a proved one, refused after the chapter that proves it.

Most are printed in section 1.6 of the lecture notes; those of 1.2 to 1.5 are in test_algebra.py.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import pytest

from ddpm_course import algebra
from ddpm_course.algebra import (
    AlgebraError, after, draw, eq, in_chains, induct, moments, ref, substitute, using,
)


class NearMiss(NamedTuple):
    name: str
    chapter: str
    call: Callable


def bound(summed: str) -> str:
    """Equation (4.9), with another sum and expectation in front of the divergences."""
    return (r"\mathbb E_{q(x_{1:T}\mid x_0)}\left["
            r"\log\frac{q(x_{1:T}\mid x_0)}{p_\theta(x_{0:T})}\right]"
            r" = D_{KL}(q(x_T\mid x_0)\|p_\theta(x_T))+" + summed +
            r"[D_{KL}(q(x_{t-1}\mid x_t,x_0)\|p_\theta(x_{t-1}\mid x_t))]"
            r"-\mathbb E_{q(x_1\mid x_0)}[\log p_\theta(x_0\mid x_1)]")


NEAR_MISSES = [
    NearMiss("beside the notes: the posterior does not depend on x_0", "03_posterior", lambda: eq(
        "93.3", r"q(x_{t-1}\mid x_t,x_0) = q(x_{t-1}\mid x_t)", by=using("3.0", "3.1"), start=2)),
    NearMiss("beside the notes: one noise too many", "01_forward_process", lambda: eq(
        "91.4", r"x_t = a^tx_0+b\sum_{k=0}^{t}a^k\epsilon_{t-k}",
        by=induct(1, ref("1.5", "1"), lambda earlier: substitute(ref("1.5"), earlier)))),
    NearMiss("1.5: the divergence at t = 1", "04_kl_to_mse", lambda: eq(
        "94.2", r"D_{KL}(q(x_{t-1}\mid x_t,x_0)\|p_\theta(x_{t-1}\mid x_t))"
        r" = \frac{\lVert\tilde\mu_t(x_t,x_0)-\mu_\theta(x_t,t)\rVert^2}{2\sigma_t^2}"
        r"+\frac d2\left(\frac{\tilde\beta_t}{\sigma_t^2}-1"
        r"-\log\frac{\tilde\beta_t}{\sigma_t^2}\right)")),
    NearMiss("beside the notes: the bound averaged a state early", "04_kl_to_mse", lambda: eq(
        "94.4", bound(r"\sum_{t=2}^{T}\mathbb E_{q(x_{t-1}\mid x_0)}"), by=in_chains())),
    NearMiss("beside the notes: the bound turned around", "04_kl_to_mse", lambda: eq(
        "94.5", r"-\log p_\theta(x_0) \ge \mathbb E_{q(x_{1:T}\mid x_0)}\left["
        r"\log\frac{q(x_{1:T}\mid x_0)}{p_\theta(x_{0:T})}\right]", by=in_chains())),
    NearMiss("beside the notes: v with its signs exchanged", "05_epsilon", lambda: eq(
        "95.2", r"x_0 = \sqrt{\bar\alpha_t}\,x_t+\sqrt{1-\bar\alpha_t}\,\mathrm{v}_t",
        by=using("2.7"))),
    NearMiss("1.6: the state before with the factors of two steps", "02_closed_form", lambda: eq(
        "97.1", r"x_t \overset{d}{=} \sqrt{\bar\alpha_t}\,x_0+\sqrt{1-\bar\alpha_{t-1}}\,\epsilon",
        by=draw(ref("2.6"), r"\epsilon"))),
    NearMiss("1.6: Bishop's covariance as printed", "07_ddim", lambda: eq(
        "97.2", r"L_t^{-1}+A_tL_t^{-1}A_t^{-1} = 1-\bar\alpha_{t-1}+\sigma_t^2", start=2)),
    NearMiss("1.6: the trial meets its goal", "07_ddim", lambda: eq(
        "97.3", r"\tilde q(x_{t-1}\mid x_0) = \mathcal N(x_{t-1};\sqrt{\bar\alpha_{t-1}}\,x_0,"
        r"(1-\bar\alpha_{t-1})I)", by=moments(r"\tilde q(x_{t-1}\mid x_0)", substitute(
            draw(ref("7.7"), r"\bar\epsilon"), draw(ref("2.6"), r"\epsilon"))))),
    NearMiss("1.6: noise in the last step", "07_ddim", lambda: eq(
        "97.4", r"\tilde\sigma_1 = \eta")),
    NearMiss("1.6: the last step has no alpha", "07_ddim", lambda: eq(
        "97.5", r"\bar\alpha_0 = 0")),
    NearMiss("beside the notes: eta = 1 has DDPM's other variance", "07_ddim", lambda: eq(
        "97.6", r"\tilde\sigma_t^2 = \eta^2\,\beta_t")),
    NearMiss("beside the notes: every member is Markov", "07_ddim", lambda: eq(
        "97.7", r"\frac{(1-\bar\alpha_t)(1-\bar\alpha_{t-1}-\sigma_t^2)}{(1-\bar\alpha_{t-1})^2}"
        r" = \alpha_t", start=2)),
]


@cache
def book_after(chapter: str) -> algebra.Book:
    """What is known at the end of a chapter, read once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(algebra, "book", algebra.Book())
        after(chapter)
        return algebra.book


@pytest.mark.parametrize("miss", NEAR_MISSES, ids=lambda miss: miss.name)
def test_refused(miss, monkeypatch):
    monkeypatch.setattr(algebra, "book", book_after(miss.chapter))
    with pytest.raises(AlgebraError, match="is wrong"):
        miss.call()

"""Formulas close to a proved one: refused after the chapter that proves it, and proved when mended.

Most are printed in sections 1.2 to 1.6 of the lecture notes; "beside" marks what is ours.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import pytest

from ddpm_course.proofs import (
    NotProved,
    ProofError,
    Refuted,
    Undefined,
    Unreadable,
    WrongRule,
    after,
    condition,
    define,
    eq,
    gap,
    increments,
    induct,
    induct_down,
    innovation,
    mix,
    notation,
    oracle,
    process,
    using,
)
from ddpm_course.proofs.book import Book, in_book


class NearMiss(NamedTuple):
    """`wrong` gets the error `refused`; `alone` where no numbers are tried; `right` is proved."""

    name: str
    chapter: str
    wrong: Callable
    right: Callable
    refused: type[ProofError]
    alone: type[ProofError]


def miss(
    name: str,
    chapter: str,
    latex: str,
    wrong: str,
    right: str,
    refused=Refuted,
    alone=NotProved,
    by: Callable = lambda: None,
    start: int = 1,
    mended_start: int = 0,
    before: Callable = lambda: None,
) -> NearMiss:
    """Two claims that differ in their text, at the place @, or in the t from which they are claimed."""

    def claim(part: str, start: int) -> Callable:
        return lambda: (before(), eq("99.1", latex.replace("@", part), by=by(), start=start).links)

    return NearMiss(
        name, chapter, claim(wrong, start), claim(right, mended_start or start), refused, alone
    )


FORWARD, CLOSED, BACK = "01_forward_process", "02_closed_form", "03_posterior"
BOUNDED, NOISE, DDIM = "04_kl_to_mse", "05_epsilon", "07_ddim"
FLOW = "20_probability_flow"
GUIDANCE, FLOW_MATCHING = "21_guidance", "22_flow_matching"

EVIDENCE = (
    r"\mathbb E_{q(x_{1:T}\mid x_0)}\left["
    r"\log\frac{q(x_{1:T}\mid x_0)}{p_\theta(x_{0:T})}\right]"
)
BOUND = (
    EVIDENCE + r" = D_{KL}(q(x_T\mid x_0)\|p_\theta(x_T))+@"
    r"[D_{KL}(q(x_{t-1}\mid x_t,x_0)\|p_\theta(x_{t-1}\mid x_t))]"
    r"-\mathbb E_{q(x_1\mid x_0)}[\log p_\theta(x_0\mid x_1)]"
)
FROM_TWO = r"\sum_{t=2}^{T}\mathbb E_{q(x_t\mid x_0)}"
DIVERGENCE = (
    r"D_{KL}(q(x_{t-1}\mid x_t,x_0)\|p_\theta(x_{t-1}\mid x_t))"
    r" = \frac{\lVert\tilde\mu_t(x_t,x_0)-\mu_\theta(x_t,t)\rVert^2}{2\sigma_t^2}"
    r"+\frac d2\left(\frac{\tilde\beta_t}{\sigma_t^2}-1"
    r"-\log\frac{\tilde\beta_t}{\sigma_t^2}\right)"
)
ERROR = r"\frac1{2\tilde\beta_t}\lVert\tilde\mu_t(x_t,x_0)-\mu_\theta(x_t,t)\rVert^2 = @"
X0_ERROR = ERROR + r"\lVert x_0-\hat x_\theta(x_t,t)\rVert^2"
NOISE_ERROR = ERROR + r"\lVert\epsilon-\hat\epsilon_\theta(x_t,t)\rVert^2"
NOISY = r"\mathrm{q}(\mathrm{x},x_0,\tau)"


def two_steps() -> Callable:
    return using("1.2")


def all_steps() -> Callable:
    return induct("1.5", lambda earlier: using("1.5", earlier))


def telescoped() -> Callable:
    return using("1.4", "3.2", "4.1")


def new_noise() -> None:
    notation(r"\phi_t", "noise", "a noise that is not defined yet")


def columns() -> None:
    process("r", "pair", "a law of two columns")
    notation("g", "column", "an offset", shape=("m", 1))
    define("98.1", r"r(X) := \mathcal N(X;m,\Lambda^{-1})")
    define("98.2", r"r(Y\mid X) := \mathcal N(Y;AX+g,L^{-1})")


NEAR_MISSES = [
    miss(
        "1.2: the factor of the noise",
        FORWARD,
        r"x_t = \sqrt{\alpha_t}\,x_{t-1}+@\epsilon_t",
        r"(1-\alpha_t)",
        r"\sqrt{1-\alpha_t}\,",
    ),
    miss(
        "1.2: the same, of a noise that it would define",
        FORWARD,
        r"x_t = \sqrt{\alpha_t}\,x_{t-1}+@\phi_t",
        r"(1-\alpha_t)",
        r"\sqrt{1-\alpha_t}\,",
        NotProved,
        by=lambda: innovation("1.1"),
        before=new_noise,
    ),
    miss(
        "1.2: the sum of all noise",
        FORWARD,
        r"x_t = a^tx_0+@\sum_{k=0}^{t-1}a^k\zeta_{t-k}",
        "",
        "b",
        by=all_steps,
    ),
    miss(
        "1.2: its covariance",
        FORWARD,
        r"\operatorname{Cov}_{q_a(x_{1:T}\mid x_0)}[w_t] = b^2\,\frac{1-a^{@}}{1-a^2}\,I",
        "2(t-1)",
        "2t",
        by=increments,
    ),
    miss(
        "beside 1.2: one noise too many",
        FORWARD,
        r"x_t = a^tx_0+b\sum_{k=0}^{@}a^k\zeta_{t-k}",
        "t",
        "t-1",
        Undefined,
        Undefined,
        by=all_steps,
    ),
    miss(
        "1.3: two steps at once",
        CLOSED,
        r"x_t = \sqrt{\alpha_t\alpha_{t-1}}\,x_{t-2}"
        r"+\sqrt{\alpha_t}\sqrt{1-\alpha_{t-1}}\,\epsilon_{t-1}+@\epsilon_t",
        r"\sqrt{\alpha_{t-1}}\,",
        r"\sqrt{1-\alpha_t}\,",
        by=two_steps,
        start=2,
    ),
    miss(
        "1.3: the merged noise is a new one",
        CLOSED,
        r"\sqrt{\alpha_t\alpha_{t-1}}\,x_{t-2}"
        r"+\sqrt{\alpha_t}\sqrt{1-\alpha_{t-1}}\,\epsilon_{t-1}+\sqrt{1-\alpha_t}\,\epsilon_t @",
        r"= \sqrt{\alpha_t\alpha_{t-1}}\,x_{t-2}+\sqrt{1-\alpha_t\alpha_{t-1}}\,\epsilon_{t-1}",
        r"\overset{q\mid x_{t-2}}{=} \sqrt{\alpha_t\alpha_{t-1}}\,x_{t-2}"
        r"+\sqrt{1-\alpha_t\alpha_{t-1}}\,\xi",
        start=2,
    ),
    miss(
        "1.4: the variance of the step back",
        BACK,
        r"\tilde\beta_t = \frac{(1-\alpha_t)(1-@)}{1-\bar\alpha_t}",
        r"\sqrt{\bar\alpha_{t-1}}",
        r"\bar\alpha_{t-1}",
    ),
    miss(
        "1.4: the same in the law",
        BACK,
        r"q(x_{t-1}\mid x_t,x_0) = \mathcal N(x_{t-1};\tilde\mu_t(x_t,x_0),"
        r"\frac{(1-\alpha_t)(1-@)}{1-\bar\alpha_t}I)",
        r"\sqrt{\bar\alpha_{t-1}}",
        r"\bar\alpha_{t-1}",
        Refuted,
        Undefined,
        by=lambda: condition("2.6", "1.1"),
        start=2,
    ),
    miss(
        "beside 1.4: true for steps forward only",
        BACK,
        "@",
        r"q(x_{t-1}\mid x_t,x_0) = q(x_{t-1}\mid x_t)",
        r"q(x_t\mid x_{t-1},x_0) = q(x_t\mid x_{t-1})",
        start=2,
    ),
    miss(
        "1.5: divergences from t = 1 beside the last term",
        BOUNDED,
        BOUND,
        r"\sum_{t=1}^{T}\mathbb E_{q(x_t\mid x_0)}",
        FROM_TWO,
        Undefined,
        Undefined,
        by=telescoped,
    ),
    miss(
        "1.5: the mean over x_t is missing",
        BOUNDED,
        BOUND,
        r"\sum_{t=2}^{T}",
        FROM_TWO,
        by=telescoped,
    ),
    miss(
        "beside 1.5: the bound averaged a state early",
        BOUNDED,
        BOUND,
        r"\sum_{t=2}^{T}\mathbb E_{q(x_{t-1}\mid x_0)}",
        FROM_TWO,
        WrongRule,
        Unreadable,
        by=telescoped,
    ),
    miss(
        "beside 1.5: the bound turned around",
        BOUNDED,
        r"-\log p_\theta(x_0) @ " + EVIDENCE,
        r"\ge",
        r"\le",
        by=lambda: gap("4.3", "0.8"),
    ),
    miss(
        "1.5: the divergence at t = 1",
        BOUNDED,
        DIVERGENCE,
        "",
        "",
        Undefined,
        Undefined,
        mended_start=2,
    ),
    miss(
        "1.5: the weight of the image",
        BOUNDED,
        X0_ERROR,
        r"\frac{(1-\alpha_t)\sqrt{\bar\alpha_{t-1}}}{2\tilde\beta_t(1-\bar\alpha_t)}",
        r"\frac{(1-\alpha_t)^2\bar\alpha_{t-1}}{2\tilde\beta_t(1-\bar\alpha_t)^2}",
        start=2,
    ),
    miss(
        "1.5: the same by the ratio of signal to noise",
        BOUNDED,
        X0_ERROR,
        r"\frac{(1-\alpha_t)\sqrt{\bar\alpha_{t-1}}}{2\tilde\beta_t(1-\bar\alpha_t)}",
        r"\frac12(\mathrm{SNR}_{t-1}-\mathrm{SNR}_t)",
        start=2,
    ),
    miss(
        "1.5: the noised image",
        CLOSED,
        r"x_t \overset{q\mid x_0}{=} @x_0+\sqrt{1-\bar\alpha_t}\,\xi",
        r"\bar\alpha_t\,",
        r"\sqrt{\bar\alpha_t}\,",
        by=lambda: using("2.6"),
    ),
    miss(
        "1.5: the same in the algorithm",
        CLOSED,
        r"q(x_t\mid x_0) = \mathcal N(x_t;@x_0,(1-\bar\alpha_t)I)",
        r"\bar\alpha_t\,",
        r"\sqrt{\bar\alpha_t}\,",
        by=lambda: induct("1.1", lambda earlier: mix(earlier, "1.1")),
    ),
    miss(
        "1.5: the weight of the noise",
        NOISE,
        NOISE_ERROR,
        r"\frac{(1-\alpha_t)^2\sqrt{\alpha_{t-1}}}{2\tilde\beta_t(1-\bar\alpha_t)^2}",
        r"\frac{(1-\alpha_t)^2}{2\tilde\beta_t\alpha_t(1-\bar\alpha_t)}",
        start=2,
    ),
    miss(
        "beside 1.5: v with its signs exchanged",
        NOISE,
        r"x_0 = \sqrt{\bar\alpha_t}\,x_t@\sqrt{1-\bar\alpha_t}\,\mathrm{v}_t",
        "+",
        "-",
    ),
    miss(
        "1.6: the state with the factors of two steps",
        CLOSED,
        r"x_t \overset{q\mid x_0}{=} \sqrt{\bar\alpha_t}\,x_0+\sqrt{1-@}\,\xi",
        r"\bar\alpha_{t-1}",
        r"\bar\alpha_t",
        by=lambda: using("2.6"),
    ),
    miss(
        "beside 06: the score divides by the standard deviation",
        "06_exact_world",
        r"\nabla_{\mathrm{x}}\log\mathcal N(\mathrm{x};\sqrt{\bar\alpha_t}\,x_0,(1-\bar\alpha_t)I)"
        r" = -\frac{\mathrm{x}-\sqrt{\bar\alpha_t}\,x_0}{@}",
        r"\sqrt{1-\bar\alpha_t}",
        r"1-\bar\alpha_t",
    ),
    miss(
        "beside 06: the scores of two Gaussians have the weights of the data",
        "06_exact_world",
        r"(\rho\,\mathcal N(\mathrm{x};\mu_1,vI)+(1-\rho)\,\mathcal N(\mathrm{x};\mu_2,vI))\,"
        r"\nabla_{\mathrm{x}}\log(\rho\,\mathcal N(\mathrm{x};\mu_1,vI)"
        r"+(1-\rho)\,\mathcal N(\mathrm{x};\mu_2,vI)) = @",
        r"-(\rho\,\mathcal N(\mathrm{x};\mu_1,vI)+(1-\rho)\,\mathcal N(\mathrm{x};\mu_2,vI))"
        r"\left(\rho\,\frac{\mathrm{x}-\mu_1}v+(1-\rho)\,\frac{\mathrm{x}-\mu_2}v\right)",
        r"-\rho\,\mathcal N(\mathrm{x};\mu_1,vI)\,\frac{\mathrm{x}-\mu_1}v"
        r"-(1-\rho)\,\mathcal N(\mathrm{x};\mu_2,vI)\,\frac{\mathrm{x}-\mu_2}v",
    ),
    miss(
        "1.6: Bishop's covariance, square",
        DDIM,
        r"@ = 1-\bar\alpha_{t-1}+\sigma_t^2",
        r"L_t^{-1}+A_tL_t^{-1}A_t^{-1}",
        r"L_t^{-1}+A_t\Lambda_t^{-1}A_t",
        start=2,
    ),
    miss(
        "1.6: Bishop's covariance, not square",
        DDIM,
        r"r(Y) = \mathcal N(Y;Am+g,L^{-1}+@)",
        r"AL^{-1}A^{-1}",
        r"A\Lambda^{-1}A^\top",
        WrongRule,
        WrongRule,
        by=lambda: mix("98.1", "98.2"),
        before=columns,
    ),
    miss(
        "1.6: the trial meets its goal",
        DDIM,
        r"\tilde q(x_{t-1}\mid x_0) = \mathcal N(x_{t-1};\sqrt{\bar\alpha_{t-1}}\,x_0,@I)",
        r"(1-\bar\alpha_{t-1})",
        r"(1-\bar\alpha_{t-1}+\sigma_t^2)",
        by=lambda: mix("7.6a", "7.7"),
        start=2,
    ),
    miss(
        "1.6: the first marginal of the trial for that of the family",
        DDIM,
        r"q_\sigma(x_t\mid x_0) = \mathcal N(x_t;\sqrt{\bar\alpha_t}\,x_0,@I)",
        r"(1-\bar\alpha_t+\sigma_t^2)",
        r"(1-\bar\alpha_t)",
        by=lambda: induct_down("7.18", lambda later: mix(later, "7.17")),
    ),
    miss("1.6: noise in the last step", DDIM, r"\tilde\sigma_1 = @", r"\eta", "0"),
    miss("1.6: the last step has no alpha", DDIM, r"\bar\alpha_0 = @", "0", "1"),
    miss(
        "beside 1.6: eta = 1 has DDPM's other variance",
        DDIM,
        r"\tilde\sigma_t^2 = \eta^2@",
        r"\beta_t",
        r"\tilde\beta_t",
    ),
    miss(
        "beside 1.6: every member is Markov",
        DDIM,
        r"\frac{(1-\bar\alpha_t)(1-\bar\alpha_{t-1}-\sigma_t^2)}{(1-\bar\alpha_{t-1})^2}@",
        r" = \alpha_t",
        r"-\alpha_t = \frac{1-\bar\alpha_t}{(1-\bar\alpha_{t-1})^2}\,"
        r"(\tilde\beta_t-\sigma_t^2)",
        start=2,
    ),
    miss(
        "beside 20: noise that gathers density instead of spreading it",
        FLOW,
        rf"\frac{{d}}{{d\tau}}{NOISY} = \frac{{\beta(\tau)}}2\left("
        rf"\nabla_{{\mathrm{{x}}}}\cdot({NOISY}\,\mathrm{{x}})"
        rf"@\nabla_{{\mathrm{{x}}}}\cdot\nabla_{{\mathrm{{x}}}}\,{NOISY}\right)",
        "-",
        "+",
    ),
    miss(
        "beside 20: the walk without noise keeps the score of the walk with noise",
        FLOW,
        rf"\frac{{d}}{{d\tau}}{NOISY} = \nabla_{{\mathrm{{x}}}}\cdot\left({NOISY}\left("
        rf"\frac{{\beta(\tau)}}2\,\mathrm{{x}}+@\,"
        rf"\nabla_{{\mathrm{{x}}}}\log{NOISY}\right)\right)",
        r"\beta(\tau)",
        r"\frac{\beta(\tau)}2",
    ),
    miss(
        "beside 20: the exponential integrator with the square of the ratio",
        FLOW,
        r"\hat x_{t,s} = \sqrt{\frac{1-\bar\alpha_s}{1-\bar\alpha_t}}\,x_t"
        r"+\sqrt{\bar\alpha_s}\left(1-@\right)\hat x_\theta(x_t,t)",
        r"\frac{r_s^2}{r_t^2}",
        r"\frac{r_s}{r_t}",
    ),
    miss(
        "beside 20: 2M moves the image back",
        FLOW,
        r"\sqrt{\frac{1-\bar\alpha_s}{1-\bar\alpha_t}}\,x_t+\sqrt{\bar\alpha_s}\left("
        r"1-\frac{r_s}{r_t}\right)\left(\hat x_\theta(x_t,t)@\mathrm{w}\,"
        r"(\hat x_\theta(x_t,t)-h)\right) = \hat x_{t,s}+\mathrm{w}\,\sqrt{\bar\alpha_s}"
        r"\left(1-\frac{r_s}{r_t}\right)\left(\hat x_\theta(x_t,t)-h\right)",
        "-",
        "+",
    ),
    miss(
        "beside 20: the integral of a power with the sign of its derivative turned",
        FLOW,
        r"\frac{d}{d\delta}\left((\delta@1)\exp(\delta)\right) = \delta\,\exp(\delta)",
        "+",
        "-",
    ),
    miss(
        "beside 21: w for 1 + w",
        GUIDANCE,
        r"(1+w)\psi-w\,\tilde\psi = \tilde\psi+@(\psi-\tilde\psi)",
        "w",
        "(1+w)",
    ),
    miss(
        "beside 21: the guided score as that of the tilted law",
        GUIDANCE,
        r"\left(\frac{1-g}{v_1+u}+\frac g{v_2+u}\right)\left(v_1v_2+u\,(g\,v_1+(1-g)v_2)\right)"
        r" = g\,v_1+(1-g)v_2@",
        "",
        r"+\frac{g(g-1)\,u\,(v_1-v_2)^2}{(v_1+u)(v_2+u)}",
    ),
    miss(
        "beside 21: the slope of the standard deviation's logarithm for that of the variance",
        GUIDANCE,
        r"\frac{d}{d\lambda}\left((1-g)\log(v_1+\lambda)+g\log(v_2+\lambda)\right)"
        r" = @\left(\frac{1-g}{v_1+\lambda}+\frac g{v_2+\lambda}\right)",
        r"\frac12",
        "",
    ),
    miss(
        "beside 22: the velocity to the image",
        FLOW_MATCHING,
        r"(1-\phi_t)\,x_0+\phi_t\,\epsilon = x_0+\phi_t(@)",
        r"x_0-\epsilon",
        r"\epsilon-x_0",
    ),
    miss(
        "beside 22: v for the velocity",
        FLOW_MATCHING,
        r"x_0 = \frac{x_t-\sqrt{1-\bar\alpha_t}\,@}{\sqrt{\bar\alpha_t}+\sqrt{1-\bar\alpha_t}}",
        r"\mathrm{v}_t",
        r"\mathrm{u}_t",
    ),
    miss(
        "beside 22: a step against time",
        FLOW_MATCHING,
        r"(1-\phi_s)\,\hat x_\theta(x_t,t)+\phi_s\,\hat\epsilon_\theta(x_t,t)"
        r" = \frac{x_t}{\sqrt{\bar\alpha_t}+\sqrt{1-\bar\alpha_t}}"
        r"+(@)\,\hat{\mathrm{u}}_\theta(x_t,t)",
        r"\phi_t-\phi_s",
        r"\phi_s-\phi_t",
    ),
    miss(
        "beside 22: the weight of the noise without its square",
        FLOW_MATCHING,
        r"\lVert\mathrm{u}_t-\hat{\mathrm{u}}_\theta(x_t,t)\rVert^2"
        r" = \frac1{(1-\phi_t)@}\lVert\epsilon-\hat\epsilon_\theta(x_t,t)\rVert^2",
        "",
        "^2",
    ),
]
each_miss = pytest.mark.parametrize("miss", NEAR_MISSES, ids=lambda miss: miss.name)


@cache
def book_after(chapter: str) -> Book:
    with in_book(Book()) as book:
        after(chapter)
        return book


@pytest.fixture
def standing(miss):
    """What is known at the end of the chapter."""
    with in_book(book_after(miss.chapter).copy()) as book:
        yield book


@each_miss
def test_refused(miss, standing):
    with pytest.raises(ProofError) as refusal:
        miss.wrong()
    assert refusal.type is miss.refused, refusal.value
    assert "99.1" not in standing.equations


@pytest.mark.slow
@each_miss
def test_refused_without_numbers(miss, standing, monkeypatch):
    monkeypatch.setattr(oracle, "refute", lambda *claim: 0)
    with pytest.raises(ProofError) as refusal:
        miss.wrong()
    assert refusal.type is miss.alone, refusal.value


@each_miss
def test_proved_when_mended(miss, standing):
    miss.right()
    assert standing["99.1"].verdict in ("derived", "definition")

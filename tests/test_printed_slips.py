"""The formulas that the lecture notes print wrong: the checking tool refuses each of them.

A row is told by where it stands in the notes, the chapter after which it is tried, and the call.
Rows of a chapter stand together; add yours.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from ddpm_course.algebra import (
    AlgebraError, after, complete_square, draw, eq, in_chains, increments, induct, log_density_of,
    ref, substitute, using,
)


class Slip(NamedTuple):
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


SLIPS = [
    Slip("1.2: noise factor without a root", "01_forward_process", lambda: eq(
        "91.1", r"x_t = \sqrt{\alpha_t}\,x_{t-1}+(1-\alpha_t)\,\epsilon_t",
        by=draw(ref("1.1"), r"\epsilon_t"))),
    Slip("1.2: covariance of the noise without b", "01_forward_process", lambda: eq(
        "91.2", r"\operatorname{Cov}[w_t] = \sum_{k=0}^{t-1}a^{2k}\,I")),
    Slip("1.2: exponent 2(t-1)", "01_forward_process", lambda: eq(
        "91.3", r"\operatorname{Cov}[w_t] = b^2\,\frac{1-a^{2(t-1)}}{1-a^2}\,I", by=increments(1))),
    Slip("1.3: factor of the newer noise", "02_closed_form", lambda: eq(
        "92.1", r"x_t = \sqrt{\alpha_t\alpha_{t-1}}\,x_{t-2}"
        r"+\sqrt{\alpha_t}\sqrt{1-\alpha_{t-1}}\,\epsilon_{t-1}+\sqrt{\alpha_{t-1}}\,\epsilon_t",
        by=substitute(ref("1.2"), ref("1.2", "t-1")), start=2)),
    Slip("1.3: the merged noise is an old one", "02_closed_form", lambda: eq(
        "92.2", r"x_t = \sqrt{\alpha_t\alpha_{t-1}}\,x_{t-2}"
        r"+\sqrt{1-\alpha_t\alpha_{t-1}}\,\epsilon_{t-1}",
        by=substitute(ref("1.2"), ref("1.2", "t-1")), start=2)),
    Slip("1.4: a root in the variance", "03_posterior", lambda: eq(
        "93.1", r"\tilde\beta_t = \frac{(1-\alpha_t)(1-\sqrt{\bar\alpha_{t-1}})}{1-\bar\alpha_t}")),
    Slip("1.4: a root in the variance of the law", "03_posterior", lambda: eq(
        "93.2", r"q(x_{t-1}\mid x_t,x_0) = \mathcal N(x_{t-1};\tilde\mu_t(x_t,x_0),"
        r"\frac{(1-\alpha_t)(1-\sqrt{\bar\alpha_{t-1}})}{1-\bar\alpha_t}I)",
        by=complete_square(log_density_of("3.2"), "x_{t-1}"), start=2)),
    Slip("1.5: x_t without a root at the image", "02_closed_form", lambda: eq(
        "92.3", r"q(x_t\mid x_0) = \mathcal N(x_t;\bar\alpha_t\,x_0,(1-\bar\alpha_t)I)")),
    Slip("beside the notes: the posterior does not depend on x_0", "03_posterior", lambda: eq(
        "93.3", r"q(x_{t-1}\mid x_t,x_0) = q(x_{t-1}\mid x_t)", by=using("3.0", "3.1"), start=2)),
    Slip("beside the notes: one noise too many", "01_forward_process", lambda: eq(
        "91.4", r"x_t = a^tx_0+b\sum_{k=0}^{t}a^k\epsilon_{t-k}",
        by=induct(1, ref("1.5", "1"), lambda earlier: substitute(ref("1.5"), earlier)))),
    Slip("1.5: the divergences summed from t = 1", "04_kl_to_mse", lambda: eq(
        "94.1", bound(r"\sum_{t=1}^{T}\mathbb E_{q(x_t\mid x_0)}"), by=in_chains())),
    Slip("1.5: the divergence at t = 1", "04_kl_to_mse", lambda: eq(
        "94.2", r"D_{KL}(q(x_{t-1}\mid x_t,x_0)\|p_\theta(x_{t-1}\mid x_t))"
        r" = \frac{\lVert\tilde\mu_t(x_t,x_0)-\mu_\theta(x_t,t)\rVert^2}{2\sigma_t^2}"
        r"+\frac d2\left(\frac{\tilde\beta_t}{\sigma_t^2}-1"
        r"-\log\frac{\tilde\beta_t}{\sigma_t^2}\right)")),
    Slip("1.5: weight of the image without the square", "04_kl_to_mse", lambda: eq(
        "94.3", r"\frac{\lVert\tilde\mu_t(x_t,x_0)-\mu_\theta(x_t,t)\rVert^2}{2\sigma_t^2}"
        r" = \frac{\sqrt{\bar\alpha_{t-1}}\,(1-\alpha_t)}{2\sigma_t^2\,(1-\bar\alpha_t)}"
        r"\lVert x_0-\hat x_\theta(x_t,t)\rVert^2")),
    Slip("1.5: weight of the noise", "05_epsilon", lambda: eq(
        "95.1", r"\frac{\lVert\tilde\mu_t(x_t,x_0)-\mu_\theta(x_t,t)\rVert^2}{2\sigma_t^2}"
        r" = \frac{(1-\alpha_t)^2\sqrt{\alpha_{t-1}}}{2\sigma_t^2\,(1-\bar\alpha_t)^2}"
        r"\lVert\epsilon-\hat\epsilon_\theta(x_t,t)\rVert^2", by=using("5.1"), start=2)),
    Slip("beside the notes: the bound averaged over the state before", "04_kl_to_mse", lambda: eq(
        "94.4", bound(r"\sum_{t=2}^{T}\mathbb E_{q(x_{t-1}\mid x_0)}"), by=in_chains())),
    Slip("beside the notes: the bound turned around", "04_kl_to_mse", lambda: eq(
        "94.5", r"-\log p_\theta(x_0) \ge \mathbb E_{q(x_{1:T}\mid x_0)}\left["
        r"\log\frac{q(x_{1:T}\mid x_0)}{p_\theta(x_{0:T})}\right]", by=in_chains())),
    Slip("beside the notes: v with its signs exchanged", "05_epsilon", lambda: eq(
        "95.2", r"x_0 = \sqrt{\bar\alpha_t}\,x_t+\sqrt{1-\bar\alpha_t}\,\mathrm{v}_t",
        by=using("2.7"))),
]


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_refused(slip):
    after(slip.chapter)
    with pytest.raises(AlgebraError, match="is wrong"):
        slip.call()

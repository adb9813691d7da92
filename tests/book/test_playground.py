"""The playground: its program against the package, and its controls."""

import pytest
import torch
from browser import MISSING, PHONE, SITE, chromium, open_page, serious

from ddpm_course.mixture import GaussianMixture, exact_denoiser
from ddpm_course.sampling import Sampler, ddim_step
from ddpm_course.schedule import linear_schedule

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not chromium(), reason=MISSING),
    pytest.mark.skipif(
        not (SITE / "playground.html").exists(), reason="build/book is not there: run make book"
    ),
]
CENTRES, SPREAD = [[-1.2, -0.6], [1.1, -0.8], [0.2, 1.2]], 0.15
WALK = """async ([world, starts, steps, eta, fresh]) => {
    const {walk} = await import("/_static/world.js")
    let count = 0
    return walk(world, starts, steps, eta, () => fresh[count++])
}"""


@pytest.mark.parametrize("steps, eta", [(1, 0.0), (7, 0.0), (20, 0.5), (1000, 1.0)])
def test_the_walk_is_that_of_the_package(page, steps, eta):
    page.goto("playground.html")
    draws = torch.randn(steps + 1, 4, 2, dtype=torch.float64, generator=torch.Generator())
    start, *fresh = draws
    world = {"centres": CENTRES, "spread": SPREAD}
    found = page.evaluate(WALK, [world, start.tolist(), steps, eta, torch.cat(fresh).tolist()])

    law = GaussianMixture.from_covariances(
        [1 / 3] * 3, CENTRES, (SPREAD**2 * torch.eye(2, dtype=torch.float64)).expand(3, 2, 2)
    )
    denoiser = exact_denoiser(law, linear_schedule(1000))
    x, times = start, Sampler(steps).timesteps(1000)
    for t, s, noise in zip(times, times[1:], fresh):
        at = torch.full((4,), t)
        output = denoiser.model(x, at)
        x = ddim_step(denoiser.schedule, x, at, torch.full((4,), s), output, eta=eta, noise=noise)
    assert len(found) == steps + 1
    torch.testing.assert_close(torch.tensor(found[-1], dtype=x.dtype), x, rtol=0, atol=1e-9)


def test_its_controls(page):
    open_page(page, "playground.html")
    said = page.locator("#three-gaussians form > output")
    ends = said.inner_text()
    assert "of your walks" in ends
    page.locator("input[name=steps]").fill("1")
    assert said.inner_text() != ends and "end 0 % of your walks" in said.inner_text()
    page.locator("input[name=steps]").fill("50")
    centre = page.locator("#three-gaussians circle").first
    before = centre.get_attribute("aria-label")
    centre.focus()
    page.keyboard.press("ArrowUp")
    assert centre.get_attribute("aria-label") != before
    box = centre.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] - 60)
    page.mouse.up()
    assert page.locator("#three-gaussians circle").first.bounding_box()["x"] > box["x"] + 40
    page.locator("button[name=play]").click()
    page.wait_for_function("document.querySelector('input[name=time]').value < 500")
    assert serious(page) == [] and page.faults == []
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

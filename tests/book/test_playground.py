"""The playground: its programs against the package, and its controls."""

import dataclasses
import json

import pytest
import torch
from browser import MISSING, PHONE, SITE, chromium, open_page, serious

from ddpm_course.mixture import GaussianMixture, exact_denoiser
from ddpm_course.prediction import Denoiser
from ddpm_course.runs.run import Run
from ddpm_course.sampling import Sampler, ddim_step
from ddpm_course.schedule import linear_schedule

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not chromium(), reason=MISSING),
    pytest.mark.skipif(
        not (SITE / "playground.html").exists(), reason="build/book is not there: run make book"
    ),
]
NETWORKS = SITE / "network/about.json"
CENTRES, SPREAD = [[-1.2, -0.6], [1.1, -0.8], [0.2, 1.2]], 0.15
WALK = """async ([world, starts, steps, eta, fresh]) => {
    const {walk} = await import("/_static/world.js")
    let count = 0
    return walk(world, starts, steps, eta, () => fresh[count++]).at(-1)
}"""
DRAW = """async ([name, labels, start, sampler, fresh]) => {
    const {load, walk} = await import("/_static/drawing.js")
    const {signal, predict} = await load(name)
    let count = 0, last
    const draw = () => [fresh[count++], fresh[count++]]
    const states = walk(signal, predict(labels), Float32Array.from(start), sampler, draw)
    for await (const state of states) last = state
    return [...last]
}"""


def by_hand(
    denoiser: Denoiser, draws: torch.Tensor, sampler: Sampler, clip: bool = False
) -> torch.Tensor:
    """The end of a walk whose noise is given: the first draw is where it starts."""
    x, *fresh = draws
    times = sampler.timesteps(1000)
    for t, s, noise in zip(times, times[1:], fresh):
        at, to = (torch.full((len(x),), step) for step in (t, s))
        output = denoiser.model(x, at)
        options = dict(eta=sampler.eta, noise=noise, clip_sample=clip)
        kind = denoiser.prediction_type
        x = ddim_step(denoiser.schedule, x, at, to, output, prediction_type=kind, **options)
    return x


@pytest.mark.parametrize("steps, eta", [(1, 0.0), (7, 0.0), (20, 0.5), (1000, 1.0)])
def test_the_walk_is_that_of_the_package(page, steps, eta):
    page.goto("playground.html")
    draws = torch.randn(steps + 1, 4, 2, dtype=torch.float64, generator=torch.Generator())
    world = {"centres": CENTRES, "spread": SPREAD}
    fresh = draws[1:].flatten(0, 1).tolist()
    found = page.evaluate(WALK, [world, draws[0].tolist(), steps, eta, fresh])
    covariance = SPREAD**2 * torch.eye(2, dtype=torch.float64)
    law = GaussianMixture.from_covariances([1 / 3] * 3, CENTRES, covariance.expand(3, 2, 2))
    wanted = by_hand(exact_denoiser(law, linear_schedule(1000)), draws, Sampler(steps, eta=eta))
    torch.testing.assert_close(torch.tensor(found).double(), wanted, rtol=0, atol=1e-6)


@pytest.mark.skipif(not NETWORKS.exists(), reason="the site was built without npm")
# For the larger networks, whose roundings add up, half a level of grey.
@pytest.mark.parametrize(
    "name, near", [("laptop", 1e-3), ("fashion", 1 / 255), ("poster", 1 / 255)]
)
@pytest.mark.parametrize("spacing, eta", [("trailing", 0.0), ("quadratic", 1.0)])
def test_the_network_draws_what_the_package_draws(page, name, near, spacing, eta):
    page.goto("playground.html")
    run, labels = Run.open(name), [3, 0, 7]
    draws = torch.randn(11, 3, *run.image_shape, generator=torch.Generator())
    sampler = {"steps": 10, "spacing": spacing, "eta": eta}
    start, fresh = (part.flatten().tolist() for part in (draws[0], draws[1:]))
    found = page.evaluate(DRAW, [name, labels, start, sampler, fresh])
    exact = dataclasses.replace(run.profile, precision="fp32")  # as a browser computes
    denoiser = dataclasses.replace(run, profile=exact).denoiser("cpu", torch.tensor(labels))
    wanted = by_hand(denoiser, draws, Sampler(10, spacing, eta), clip=True)
    torch.testing.assert_close(torch.tensor(found), wanted.flatten(), rtol=0, atol=near)


def test_three_gaussians(page):
    open_page(page, "playground.html")
    said = page.locator("#three-gaussians form > output")
    ends = said.inner_text()
    assert "of your walks" in ends
    page.locator("#three-gaussians input[name=steps]").fill("1")
    assert said.inner_text() != ends and "end 0 % of your walks" in said.inner_text()
    page.locator("#three-gaussians input[name=steps]").fill("50")
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
    assert centre.bounding_box()["x"] > box["x"] + 40
    page.locator("#three-gaussians button[name=play]").click()
    page.wait_for_function("document.querySelector('input[name=time]').value < 500")
    assert serious(page) == [] and page.faults == []


@pytest.mark.skipif(not NETWORKS.exists(), reason="the site was built without npm")
def test_the_network_is_loaded_when_it_is_asked_for(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    open_page(page, "playground.html")
    assert not [url for url in asked if url.endswith((".wasm", ".onnx"))]
    for steps in page.locator("#network input[name=steps]").all():
        steps.fill("2")
    for name, about in json.loads(NETWORKS.read_text(encoding="utf-8"))["networks"].items():
        page.locator("#network select[name=network]").select_option(name)
        page.locator("#network select[name=label]").select_option(about["classes"][3])
        page.locator("#network button").click()
        page.wait_for_function("document.querySelector('#network .said').value.startsWith('Drawn')")
        page.evaluate("document.querySelector('#network .said').value = ''")
    assert serious(page) == [] and page.faults == []
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

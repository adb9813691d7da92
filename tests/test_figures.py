"""One style for all figures, which can be read without colours; those that move, or have sliders."""

import base64
import io
import json
import re
import subprocess
import sys
from itertools import combinations

import matplotlib
import matplotlib.style
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from notebooks import code_cells, paths
from PIL import Image
from refusals import refused

from ddpm_course.checks import BadValue
from ddpm_course.figures import animation, sliders

matplotlib.use("agg")

STYLE = "ddpm_course.course"


def source(path):
    return "\n".join(cell.source for cell in code_cells([path]))


DRAWING = [path for path in paths() if "matplotlib.pyplot" in source(path)]


@pytest.fixture
def style():
    with matplotlib.style.context(STYLE):
        yield matplotlib.rcParams


def test_there_are_notebooks_that_draw():
    assert len(DRAWING) > 10


@pytest.mark.parametrize("path", DRAWING, ids=lambda path: path.stem)
def test_a_notebook_that_draws_takes_the_style_and_sets_none_of_its_own(path):
    assert source(path).count(f'plt.style.use("{STYLE}")') == 1
    assert "rcParams" not in source(path)


def lightness(colour):
    """CIE L*, 0 to 100, of a colour."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear))
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.00886 else 903.3 * luminance


def test_lines_differ_in_brightness_and_in_dashes(style):
    cycle = list(style["axes.prop_cycle"])
    assert len(cycle) >= 4
    for one, other in combinations(cycle, 2):
        assert abs(lightness(one["color"]) - lightness(other["color"])) > 12
        assert one["linestyle"] != other["linestyle"]
    assert all(lightness(entry["color"]) < 65 for entry in cycle)  # 100 is the paper


def drawn(height=0.5, figsize=(3, 2), words="A bar and what it means"):
    figure, ax = pyplot.subplots(figsize=figsize)
    ax.bar(0, height)
    ax.set_ylim(0, 1)
    figure.suptitle(words)
    return figure


def opened(form):
    return Image.open(io.BytesIO(base64.b64decode(form)))


def frames_of(form):
    """All frames as pixels, the still first, and their milliseconds."""
    picture = opened(form)
    for number in range(picture.n_frames):
        picture.seek(number)
        yield picture.convert("RGB").tobytes(), picture.info.get("duration")


def test_an_animation_is_its_frames_and_the_last_one_is_the_still():
    heights = (0.2, 0.5, 0.9)
    shown = animation(map(drawn, heights), seconds=0.4)._repr_mimebundle_()
    assert shown.keys() == {"image/png", "text/plain"} and shown["text/plain"] == "3 frames"
    (still, _), *frames = frames_of(shown["image/png"])
    assert still == frames[-1][0] and len({pixels for pixels, _ in frames}) == len(frames) == 3
    assert [milliseconds for _, milliseconds in frames] == [400, 400, 3000]
    assert opened(shown["image/png"]).info["loop"] == 0
    assert not pyplot.get_fignums()


def test_a_frame_may_be_the_same_figure_changed():
    figure = drawn()

    def changed():
        for height in (0.2, 0.8):
            figure.axes[0].patches[0].set_height(height)
            yield figure

    _, first, last = frames_of(animation(changed()).forms["image/png"])
    assert first[0] != last[0]


def test_sliders_choose_among_all_combinations():
    values = {"height": [0.2, 0.5, 0.9], "words": ["few", "<b>"]}
    shown = sliders(
        lambda height, words: drawn(height, words=f"{words} at {height}"),
        values,
        start=(0.5, "<b>"),
    )._repr_mimebundle_()
    assert shown.keys() == {"text/html", "image/png", "text/plain"}
    html = shown["text/html"]
    data = json.loads(re.search(r"\}\)\((\{.*\})\)</script>", html)[1])
    assert data["names"] == [["height", ["0.2", "0.5", "0.9"]], ["words", ["few", "<b>"]]]
    assert data["start"] == [1, 1]
    assert [text for _, text in data["frames"]] == [
        "few at 0.2",
        "<b> at 0.2",
        "few at 0.5",
        "<b> at 0.5",
        "few at 0.9",
        "<b> at 0.9",
    ]
    pictures = [png for png, _ in data["frames"]]
    assert len(set(pictures)) == 6 and pictures[3] == shown["image/png"]
    assert f'alt="&lt;b&gt; at 0.5" src="data:image/png;base64,{pictures[3]}"' in html
    assert "<b>" not in html and "http" not in html
    assert not pyplot.get_fignums()


def test_few_colours_are_near_enough(style):
    figure, (left, right) = pyplot.subplots(1, 2)
    for k in range(4):
        left.plot([0, 1], [0, k])
    right.imshow([[*range(8 * k, 8 * k + 8)] for k in range(8)])
    figure.suptitle("Lines in four colours beside many shades of grey")
    form = sliders(lambda _: figure, {"one": [1, 2]}).forms["image/png"]
    palette = {colour for _, colour in opened(form).convert("RGB").getcolors()}
    assert (255, 255, 255) in palette and len(palette) <= 32 and len(form) < 15_000
    for wanted in style["axes.prop_cycle"].by_key()["color"]:
        gaps = [max(abs(255 * a - b) for a, b in zip(to_rgb(wanted), got)) for got in palette]
        assert min(gaps) < 20


@pytest.mark.parametrize(
    "what, got, call",
    [
        ("frames", "1", lambda: animation([drawn()])),
        ("frames", "0", lambda: animation([])),
        ("figures", "sizes", lambda: animation([drawn(), drawn(figsize=(2, 2))])),
        ("seconds", "0.1", lambda: animation([drawn(), drawn()], seconds=0.1)),
        ("height", "[1] (list)", lambda: sliders(drawn, {"height": [1]})),
        ("values", "none", lambda: sliders(drawn, {})),
        ("start", "(3,)", lambda: sliders(drawn, {"height": [1, 2]}, start=(3,))),
        (
            "draw",
            "no suptitle at (1,)",
            lambda: sliders(lambda height: drawn(height, words=""), {"height": [1, 2]}),
        ),
    ],
)
def test_bad_input(what, got, call):
    with refused(BadValue, what=what, got=got):
        call()
    pyplot.close("all")


def test_the_module_imports_neither_matplotlib_nor_pillow():
    program = (
        "import sys, ddpm_course.figures; "
        "sys.exit(not sys.modules.keys().isdisjoint(['matplotlib', 'PIL', 'torch']))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

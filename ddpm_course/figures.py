"""Figures that move, and figures with sliders, as one output that needs no running kernel.

They are for notebooks: matplotlib and Pillow are imported when a figure is drawn. On paper, and
wherever nothing can move, both are a still picture.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from ddpm_course.checks import BadValue, check_number, describe

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

COLOURS = 32  # in a picture's palette: enough for a few lines, their soft edges, and grey digits


@dataclass(frozen=True)
class Shown:
    """What a cell shows: its forms by MIME type, binary ones in base64."""

    forms: dict[str, str] = field(repr=False)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.forms


def animation(frames: Iterable[Figure], seconds: float = 0.3) -> Shown:
    """Frames shown one after the other, over and over, the last one for longer; it is the still.

    So the last frame should say it all. Frames are of one size; a figure may be changed and
    yielded again. The result is an animated PNG, which is the still wherever PNG cannot move.
    seconds in [0.2, 2] for a frame, since six changes in a second would be flashes. Raises BadValue.
    """
    seconds = check_number("animation", "seconds", seconds, 0.2, 2)
    pictures = _in_one_palette("animation", map(_picture, frames))
    if len(pictures) < 2:
        raise BadValue(
            "animation",
            "frames",
            got=str(len(pictures)),
            expected="2 or more",
            fix="yield the figure after every change",
        )
    milliseconds = [round(1000 * seconds)] * (len(pictures) - 1) + [3000]
    png = _png(
        pictures[-1],
        save_all=True,
        append_images=pictures,
        default_image=True,
        duration=milliseconds,
        loop=0,
    )
    return Shown({"image/png": png, "text/plain": f"{len(pictures)} frames"})


def sliders(
    draw: Callable[..., Figure], values: Mapping[str, Sequence], start: Sequence | None = None
) -> Shown:
    """One picture for each combination of values, and a slider for each name that chooses.

    draw takes one value of each name, in their order, and returns a figure whose suptitle says in
    words what is to be seen: it is the picture's alternative text. start is the combination that
    is shown first, and where no script runs; by default the first value of each. Raises BadValue.
    """
    if not values:
        raise BadValue(
            "sliders",
            "values",
            got="none",
            expected="a name or more",
            fix="give every slider a name and its values",
        )
    for name, choices in values.items():
        if len(choices) < 2:
            raise BadValue(
                "sliders",
                name,
                got=describe(choices),
                expected="2 values or more",
                fix="leave out a slider that cannot move",
            )
    combinations = list(itertools.product(*values.values()))
    start = combinations[0] if start is None else tuple(start)
    if start not in combinations:
        raise BadValue(
            "sliders",
            "start",
            got=str(start),
            fix="choose one of each",
            expected=f"values of {', '.join(values)}",
        )
    pictures, texts = [], []
    for combination in combinations:
        figure = draw(*combination)
        texts.append(figure.get_suptitle())
        pictures.append(_picture(figure))
        if not texts[-1]:
            raise BadValue(
                "sliders",
                "draw",
                got=f"no suptitle at {combination}",
                expected="a suptitle in every figure, its alternative text",
                fix="say in figure.suptitle(...) what is to be seen",
            )
    pictures = list(map(_png, _in_one_palette("sliders", pictures)))
    first = combinations.index(start)
    data = json.dumps(
        {
            "names": [[name, list(map(str, choices))] for name, choices in values.items()],
            "start": [list(choices).index(value) for choices, value in zip(values.values(), start)],
            "frames": list(zip(pictures, texts)),
        },
        ensure_ascii=False,
    ).replace("<", r"\u003c")
    html = (
        f'<div class="sliders"><img style="max-width: 100%" alt="{escape(texts[first])}" '
        f'src="data:image/png;base64,{pictures[first]}">\n'
        f"<script>(({{names, start, frames}}) => {{{SCRIPT}}})({data})</script></div>"
    )
    return Shown(
        {"text/html": html, "image/png": pictures[first], "text/plain": f"{len(pictures)} pictures"}
    )


# The script makes the sliders: where it does not run, there are none.
SCRIPT = """
    const box = document.currentScript.parentElement, picture = box.querySelector("img");
    const made = names.map(([name, values], axis) => {
        const label = box.appendChild(document.createElement("label"));
        const slider = document.createElement("input"), value = document.createElement("output");
        label.style.cssText = "display: flex; gap: 0.6em; align-items: center; max-width: 32em";
        slider.style.cssText = "flex: 1; min-width: 0";
        Object.assign(slider, {type: "range", min: 0, max: values.length - 1, value: start[axis]});
        label.append(name, slider, value);
        value.style.minWidth = "5em";
        slider.addEventListener("input", show);
        return {slider, value, values};
    });
    function show() {
        const frame = made.reduce((k, {slider, values}) => k * values.length + +slider.value, 0);
        const [png, text] = frames[frame];
        Object.assign(picture, {src: `data:image/png;base64,${png}`, alt: text});
        for (const {slider, value, values} of made) {
            value.value = values[slider.value];
            slider.ariaValueText = text;
        }
    }
    show();
"""


def _picture(figure: Figure) -> Image:
    """The figure as it looks now. It is closed, so that the cell does not show it as well."""
    from matplotlib import pyplot
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pyplot.close(figure)
    figure.set_layout_engine("none")  # drawn anew, nothing moves but what is to be seen
    return Image.frombytes("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")


def _in_one_palette(where: str, pictures: Iterable[Image]) -> list[Image]:
    """Few colours, the same in all pictures: they get small, and can be frames of one file."""
    from PIL import Image

    pictures = list(pictures)
    if not pictures:
        return []
    sizes = {picture.size for picture in pictures}
    if len(sizes) > 1:
        raise BadValue(
            where,
            "figures",
            got=f"sizes {sorted(sizes)} in pixels",
            expected="one size",
            fix="give all the same figsize",
        )
    (width, height), count = pictures[0].size, len(pictures)
    strip = Image.new("RGB", (width, height * count))
    for number, picture in enumerate(pictures):
        strip.paste(picture, (0, height * number))
    strip = strip.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    return [strip.crop((0, height * k, width, height * (k + 1))) for k in range(count)]


def _png(picture: Image, **options: Any) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True, **options)
    return base64.b64encode(buffer.getvalue()).decode()

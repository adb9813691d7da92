"""Draw nbs/images/samples.png from a run: noise that becomes images; the still is its end.

From the top of the repository, with the folder that `make train` has named:
python tools/picture.py runs/NAME
"""

import io
import sys

from notebooks import NBS
from PIL import Image

from ddpm_course.data import grid_png
from ddpm_course.runs.drawing import draw_batches
from ddpm_course.runs.run import Run

COUNT, COLUMNS = 50, 10
MILLISECONDS, END = 200, 4000  # of a frame, and of the last one


def frames(run: Run) -> list[Image.Image]:
    """Every second state of the walk that draws the first images of the run's samples.png."""
    found = []

    def keep(count: int, x) -> None:
        if count % 2 == 0:
            found.append(Image.open(io.BytesIO(grid_png(x.cpu().clamp(-1, 1), COLUMNS))))

    draw_batches(
        run.profile,
        run.schedule(),
        run.network(),
        run.image_shape,
        run.seed or 0,
        COUNT,
        watch=keep,
    )
    return found


if __name__ == "__main__":
    pictures = frames(Run.open(sys.argv[1]))
    pictures[-1].save(
        NBS / "images/samples.png",
        save_all=True,
        append_images=pictures,
        default_image=True,
        duration=[MILLISECONDS] * (len(pictures) - 1) + [END],
        loop=0,
        optimize=True,
    )

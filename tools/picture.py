"""Draw nbs/images/NAME.png from a run that the package has: noise that becomes images.

The still is its end. From the top of the repository: python tools/picture.py poster
"""

import io
import sys

from notebooks import NBS
from PIL import Image

from ddpm_course.data import grid_png
from ddpm_course.runs.drawing import draw_batches
from ddpm_course.runs.run import Run

COUNT, COLUMNS, FRAMES = 72, 12, 10
MILLISECONDS, END = 200, 4000  # of a frame, and of the last one


def frames(run: Run) -> list[Image.Image]:
    """About FRAMES states of the walk that draws the first images of the run's samples.png."""
    found, every = [], max(1, run.profile.sampling_steps // FRAMES)

    def keep(count: int, x) -> None:
        if count % every == 0:
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
    run = Run.open(sys.argv[1])
    pictures = frames(run)
    pictures[-1].save(
        NBS / f"images/{run.folder.name}.png",
        save_all=True,
        append_images=pictures,
        default_image=True,
        duration=[MILLISECONDS] * (len(pictures) - 1) + [END],
        loop=0,
        optimize=True,
    )

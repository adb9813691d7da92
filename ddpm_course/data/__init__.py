"""Images for training and for measuring: data sets by name, their two parts, and their order."""

from .images import (
    DIGITS_LEVELS,
    GLYPHS,
    PARTS,
    ImageSet,
    batch_order,
    digits,
    glyphs,
    grid_png,
    halves,
    image_grid,
    random_stream,
    save_grid,
    scaled,
    to_float,
    to_uint8,
)
from .sets import DATA, load_data, load_set

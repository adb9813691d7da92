"""Train a classifier that chapter 30 sees with, and store it: NAME EPOCHS, as `digits 60`,
`glyphs28 4`; for a published set with the folder of its files, `fashion_mnist 4 data`.

The hash that is printed belongs into CLASSIFIERS, in nbs/30_evaluation.ipynb. A new classifier is a
new unit: distances measured with the old one can't be compared with those of the new one.
"""

import hashlib
import sys

from safetensors.torch import save_file

from ddpm_course.data import load_data
from ddpm_course.runs.measures import classifier_path, train_classifier

if __name__ == "__main__":
    name, epochs, *data_dir = sys.argv[1:]
    path = classifier_path(name)
    model = train_classifier(
        *load_data(name, "train", data_dir="".join(data_dir)), epochs=int(epochs)
    )
    save_file(model.state_dict(), path)
    print(name, hashlib.sha256(path.read_bytes()).hexdigest())

"""Train the classifier that chapter 30 sees with, and store it: the data set's name is the argument.

The hash that is printed belongs into CLASSIFIERS, in nbs/30_evaluation.ipynb. A new classifier is a
new unit: distances measured with the old one can't be compared with those of the new one.
"""

import hashlib
import sys

from safetensors.torch import save_file

from ddpm_course.data import load_data
from ddpm_course.evaluation import classifier_path, train_classifier

if __name__ == "__main__":
    name, = sys.argv[1:]
    path = classifier_path(name)
    save_file(train_classifier(*load_data(name, "train")).state_dict(), path)
    print(name, hashlib.sha256(path.read_bytes()).hexdigest())

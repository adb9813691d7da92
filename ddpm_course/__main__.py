"""`python -m ddpm_course` is `ddpm-course`, for what starts modules, as `torchrun -m` does."""

import sys

from ddpm_course.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""Denoising diffusion, derived line by line, proved by machine, trained by one command

Modules:

- `ddpm_course.checks`: Bad input is met here: every error says where, what was got, what was expected, how to fix it.
- `ddpm_course.figures`: Figures that move, and figures with sliders, as one output that needs no running kernel.
- `ddpm_course.proofs.oracle`: The second opinion: a claim is read in numbers, and refuted by a counterexample."""

__version__ = "0.1.0"

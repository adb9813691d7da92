"""Denoising diffusion, derived line by line, proved by machine, trained by one command

Each chapter has a module: `schedule`, `forward`, `posterior`, `objective`, `prediction`, `mixture`, `sampling`, `unet`, `probability_flow`, `guidance`, `flow_matching`. `data` reads images; `runs` trains, opens, samples and measures; `proofs` holds the prover; `settings.ini` says how `laptop` and `gpu` differ.

Modules:

- `ddpm_course.checks`: Bad input is met here: every error says where, what was got, what was expected, how to fix it.
- `ddpm_course.classroom.checker`: How a submission is checked, in a process that the grader can end: its data here, its code not.
- `ddpm_course.classroom.runner`: What runs a submission's notebooks, within the walls: it asks the grader where they ask it.
- `ddpm_course.classroom.wall`: Walls around code that somebody else wrote: `python -I wall.py PLAN` starts a program within.
- `ddpm_course.cli`: The command line: what `ddpm-course` and `python -m ddpm_course` do.
- `ddpm_course.figures`: Figures that move, and figures with sliders, as one output that needs no running kernel.
- `ddpm_course.proofs.oracle`: The second opinion: a claim is read in numbers, and refuted by a counterexample.
- `ddpm_course.proofs.workbook.typed`: What a reader types, rewritten for the strict grammar where it can mean one thing alone.
- `ddpm_course.runs.checkpoint`: Checkpoints: where a run stands, on disk, so that it can go on after any interruption.
- `ddpm_course.runs.files`: The one way of a file to its name: written aside, on the disk, then renamed.
- `ddpm_course.runs.processes`: Where a run computes: its device, and the processes that share its batches."""

__version__ = "0.1.0"

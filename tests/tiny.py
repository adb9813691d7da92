"""A run that takes a second, for the tests."""

import dataclasses

import torch

from ddpm_course.runs.images import load_images
from ddpm_course.runs.loop import batches, build_schedule, initial_state, training_loop
from ddpm_course.runs.processes import Processes
from ddpm_course.runs.profiles import load_profile

CPU = torch.device("cpu")
TINY = dataclasses.replace(
    load_profile("smoke"),
    num_train_timesteps=8,
    sampling_steps=8,
    model_channels=8,
    num_steps=6,
    batch_size=8,
    num_samples=4,
    log_every=4,
    warmup_steps=4,
)


def steps(profile, seed=0, processes=Processes(CPU)):
    """The states of training, from the first step on."""
    state = initial_state(profile, 1, seed, CPU)
    shares = batches(profile, load_images(profile), seed, 1, processes)
    return training_loop(profile, build_schedule(profile, CPU), state, shares, seed, processes)


def weights(model):
    """All parameters in a row."""
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

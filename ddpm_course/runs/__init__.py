"""A run: its profile, its loop, its checkpoints, its folder, and what is drawn from it."""

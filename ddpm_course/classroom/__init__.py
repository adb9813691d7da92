"""A class: assignments to hand out, and a table of who solved what, for whatever comes back."""

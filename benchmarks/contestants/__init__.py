"""Each contestant is a program of its own: it is given a job, and prints what it measured."""

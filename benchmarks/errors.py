"""What stops a benchmark before it has a number: one line for the person who started it."""


class BenchmarkError(Exception):
    """A benchmark cannot run, or what it measured cannot be trusted."""

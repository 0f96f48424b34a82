"""Measurements of everything else in this repository; not part of the wheel."""

"""Subjects to learn from."""

from simulated_subjects import subjects

__all__ = ["subjects"]

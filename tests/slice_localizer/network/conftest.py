"""Subjects that no network has seen."""

from simulated_subjects import subjects

__all__ = ["subjects"]

"""Trainings, complete: from data to a folder with weights and what was measured."""

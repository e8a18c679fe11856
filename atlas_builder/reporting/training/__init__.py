"""The reports of trainings."""

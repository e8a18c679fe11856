"""Synthetic heads whose shapes are known."""

from shaped_cohort import built, copied, mean_head, same_bits, shaped_cohort

__all__ = ["built", "copied", "mean_head", "same_bits", "shaped_cohort"]

"""A head of simple shapes."""

from simple_head import simple_head

__all__ = ["simple_head"]

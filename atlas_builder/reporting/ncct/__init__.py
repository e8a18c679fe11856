"""Pages of scored head CT."""

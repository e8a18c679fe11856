"""From a scan's slice to a key slice: aligned to its midline, brain only, 0.5 mm."""

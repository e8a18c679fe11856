"""Real brains on CT that a simulated stroke is planted in."""

"""One simulated subject: traits drawn by age, and the anatomy they give."""

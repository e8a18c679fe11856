"""What is written beside a series: its structured report, pictures of its slices, an infarct."""

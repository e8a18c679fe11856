"""The basal ganglia level by alignment with a standard head."""

"""Deep-ASPECTS: a network finds the acute infarct, another the regions; their overlap scores."""

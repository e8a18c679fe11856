"""ASPECTS and infarct core volume from lesions on diffusion-weighted imaging (DWI-ASPECTS)."""

"""The acute infarct on diffusion-weighted MR."""

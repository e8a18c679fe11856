"""The acute infarct on diffusion-weighted MR: brain, network, training, inference."""

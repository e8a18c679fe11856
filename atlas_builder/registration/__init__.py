"""Registration of slices and of volumes through ANTs."""

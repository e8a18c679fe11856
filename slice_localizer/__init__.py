"""The key slices of a head CT: by alignment with a standard head, and by ASPECTSLoc-Net."""

"""The basal ganglia level by ASPECTSLoc-Net."""

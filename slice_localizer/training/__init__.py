"""The training recipe of ASPECTSLoc-Net."""

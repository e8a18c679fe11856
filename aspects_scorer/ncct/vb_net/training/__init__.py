"""The training recipe of the two networks of the VB-Net cascade."""

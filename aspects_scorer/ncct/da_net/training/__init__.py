"""The training recipe of the two networks of DA-Net."""

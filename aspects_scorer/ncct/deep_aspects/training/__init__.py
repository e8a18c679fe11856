"""The training recipe of the two networks of Deep-ASPECTS."""

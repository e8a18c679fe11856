"""DA-Net: a network that compares each region with its mirror image on the other side."""

"""Networks that ship, their weights, and the training that all of them share."""

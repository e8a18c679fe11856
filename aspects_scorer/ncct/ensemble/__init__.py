"""The explainable scorer and the network together."""

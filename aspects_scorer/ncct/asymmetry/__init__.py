"""ASPECTS by left-right differences, regions judged together, with calibrated probabilities."""

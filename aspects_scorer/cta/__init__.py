"""ASPECTS of CT angiography: slices without vessels, and the scorers of their regions."""

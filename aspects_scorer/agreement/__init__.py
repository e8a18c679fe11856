"""How the scores of any scorer agree with the truth: regions, scores, probabilities, outcome."""

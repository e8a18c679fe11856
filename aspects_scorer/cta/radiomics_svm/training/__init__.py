"""Choosing the features and fitting the machine; needs scikit-learn."""

"""Making the standard head that scans are aligned with."""

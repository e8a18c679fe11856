"""An atlas carried onto a scan: regions, measures, confidence and flags."""

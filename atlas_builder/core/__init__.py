"""The field's words as types: regions and the rule of ASPECTS, scans, volumes, flags, errors."""

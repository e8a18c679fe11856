"""The reports of validations."""

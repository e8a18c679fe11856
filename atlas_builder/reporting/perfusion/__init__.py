"""The picture and the report of a patient labelled by CT perfusion."""

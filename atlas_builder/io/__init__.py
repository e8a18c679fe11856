"""Scans in and region maps out, as NIfTI and DICOM."""

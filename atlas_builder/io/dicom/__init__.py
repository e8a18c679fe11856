"""DICOM series in, DICOM series and segmentations out."""

"""What users ask for, whole: compute, write the folder, report."""

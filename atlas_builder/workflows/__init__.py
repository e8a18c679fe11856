"""The complete tasks of the commands: compute, write the folder, report."""

"""How work runs: processes, whole-or-absent files, resumption, versions, progress."""

"""The viewer within reports of a scan: every slice with its regions, to scroll through."""

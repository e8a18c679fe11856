"""How good region maps and atlases are: measures, agreement of raters, statistics, tables."""

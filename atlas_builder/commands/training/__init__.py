"""Commands that train networks and machines."""

"""The ground truth of ASPECTS from CT perfusion: the core on a map of cerebral blood flow (CBF)."""

"""CT angiography of a simulated head: arteries, veins, contrast medium, occlusions."""

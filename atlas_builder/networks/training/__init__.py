"""The training that every network shares: loop, checkpoint, schedule, device, folder, curve."""

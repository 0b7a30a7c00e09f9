"""Song texts with times for opsvi."""

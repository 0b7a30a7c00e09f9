"""Collections in LMDB for opsvi."""

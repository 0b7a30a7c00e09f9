"""GGUF models on this machine, as parts of opsvi."""

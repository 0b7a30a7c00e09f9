"""Models of Hugging Face as providers and an embedder of opsvi: over the network, and in this process."""

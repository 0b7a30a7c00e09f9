"""Claude models as a provider of opsvi."""

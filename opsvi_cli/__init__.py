"""opsvi: search, ask and script against your own documents from the shell."""

__version__ = "0.1.0"

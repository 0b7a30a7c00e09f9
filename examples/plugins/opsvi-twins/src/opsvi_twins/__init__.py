"""A command of opsvi that finds passages which say the same."""

"""A plugin for opsvi, as it could be written on the first day of plugin API 1.0."""

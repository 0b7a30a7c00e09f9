"""The default store: one SQLite file a collection, and a vector index beside it that can be thrown away."""

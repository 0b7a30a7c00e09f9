"""Tools that models may call: each small, bounded, and without a way around its bounds."""

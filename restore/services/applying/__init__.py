"""Carrying a plan out, in the live database or in a throwaway one, and what follows."""

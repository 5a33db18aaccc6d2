"""The use cases: make, verify, find, prune and cover. Commands, pages and jobs call these alone."""

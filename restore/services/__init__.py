"""The use cases: inspect, apply, and what a restore leaves behind. Commands, pages and jobs call these."""

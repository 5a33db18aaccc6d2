"""The main job once, from backup to restore, with what was proven in the end."""

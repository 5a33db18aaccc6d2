"""One function a table: the n-th row, unsaved. Files are named as those of ``models``."""

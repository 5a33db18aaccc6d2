"""Tables that Django brings and the studio has no use for.

Those of sessions, permissions, content types and the admin's log are the engine's to exclude: they
are the same in every project.
"""

from backups.registry import exclude
from backups.wording import _

NO_GROUPS = _("Always empty: what an account may do is decided by its role.")

exclude("auth.Group", because=NO_GROUPS)
exclude("auth.Group_permissions", because=NO_GROUPS)

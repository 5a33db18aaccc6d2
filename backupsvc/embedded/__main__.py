"""``python -m backupsvc.embedded stop [--force]``: stop servers that were left over."""

import argparse
import sys

from backupsvc import embedded


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m backupsvc.embedded", description=__doc__)
    parser.add_argument("command", choices=["stop"])
    parser.add_argument("--force", action="store_true", help="even while they are in use")
    options = parser.parse_args()
    try:
        stopped = embedded.stop(force=options.force)
    except embedded.EmbeddedError as error:
        sys.stderr.write(error.for_people() + "\n")
        return 1
    sys.stdout.write("stopped the servers\n" if stopped else "no servers were running\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

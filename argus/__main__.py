"""`python3 -m argus` is the `argus` command."""

import sys

from argus.cli import main

if __name__ == "__main__":
    sys.exit(main())

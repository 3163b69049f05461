"""Entry point of ``python -m ddi``."""

import sys

from ddi.cli import main

sys.exit(main())

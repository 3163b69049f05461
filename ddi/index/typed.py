"""How the program was called, for sentences that say what to type next."""

import sys
from pathlib import Path


def program():
    """Return "python -m ddi" if it was started so, else "ddi", the script that installing puts
    beside Python: who installed it as a tool has no Python that knows it.
    """
    return "python -m ddi" if Path(sys.argv[0]).name == "__main__.py" else "ddi"

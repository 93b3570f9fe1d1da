"""``cd docs && python -m website``."""

import sys

from website.build import main

sys.exit(main())

"""The batch job: reading, stages, engines and output."""

import os as _os
import sys as _sys

# `python -m` puts the user's folder first, where a model.py would take the place of ours
if (
    _sys.argv[:1] == ["-m"]
    and not _sys.flags.safe_path
    and _os.path.dirname(_os.path.dirname(__file__)) != _sys.path[0]
):
    del _sys.path[0]

#!/bin/sh
# A stand-in for Dataflow's template launcher, which only Google's registry has: like it, it starts
# the program of the template with the parameters that it was given.
exec python "$FLEX_TEMPLATE_PYTHON_PY_FILE" "$@"

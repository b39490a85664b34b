"""Prints what the service is told of the template's parameters: `make metadata` keeps it."""

from __future__ import annotations

import json
from typing import Any

from launch import Parameter, parameters

IN_A_BUCKET = r"^gs://[^/\s]+(/\S*)?( gs://[^/\s]+(/\S*)?)*$"
OBJECT = r"^gs://[^/\s]+(/\S*)?$"
NIGHT = r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$"

FORMS = {
    "inputs": IN_A_BUCKET,
    "inputs_from": OBJECT,
    "output": OBJECT,
    "night": NIGHT,
}
"""What the values of some must look like: a launcher and workers share buckets, and no discs."""

IN_THE_IMAGE = {"aliases", "checkpoint", "encoder", "episodes"}
"""What is read where the launcher and the workers are, and so must be in their image."""


def described(one: Parameter) -> dict[str, Any]:
    """A parameter, as the service wants it."""
    told = one.help
    if one.name == "inputs":
        told += ", in buckets; several are separated by spaces"
    if one.name in IN_THE_IMAGE:
        told += "; a path in the image"
    return {
        "name": one.name,
        "label": one.name.replace("_", " "),
        "helpText": told,
        "isOptional": not one.required,
        "paramType": "BOOLEAN" if one.switch else "TEXT",
        **({"regexes": [FORMS[one.name]]} if one.name in FORMS else {}),
    }


def metadata() -> dict[str, Any]:
    """The template's metadata."""
    return {
        "name": "emonet",
        "description": "Labels one night of subtitles and transcripts with emotions",
        "parameters": [described(one) for one in parameters()],
    }


if __name__ == "__main__":
    print(json.dumps(metadata(), indent=2))

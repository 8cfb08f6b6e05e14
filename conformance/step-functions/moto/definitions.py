"""Parses definitions, after rewriting the fields that moto's grammar refuses in the form that AWS documents."""

import json
from functools import cache

from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser


def accepted(field: str, value):
    """Returns a field's value as moto's grammar accepts it."""
    if field == "ToleratedFailurePercentage" and isinstance(value, int):
        return float(value)
    if isinstance(value, list):
        return [accepted("", entry) for entry in value]
    if not isinstance(value, dict):
        return value
    value = {name: accepted(name, entry) for name, entry in value.items()}
    # The grammar knows the field's name in JSONPath only; its expressions are evaluated in the repairs.
    if field == "ResultWriter" and "Arguments" in value:
        value["Parameters"] = value.pop("Arguments")
    return value


@cache
def program_of(definition: str) -> Program:
    """Parses each definition once: that takes seconds."""
    return AmazonStateLanguageParser.parse(json.dumps(accepted("", json.loads(definition))))[0]

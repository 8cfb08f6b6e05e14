"""Parses definitions, after rewriting the fields that moto's grammar refuses in the form that AWS documents."""

import json
from functools import cache

from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor


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


def accept_result_writers() -> None:
    """Lets the only name that the grammar knows pass the check that allows it in JSONPath only."""
    visit = Preprocessor.visitResult_writer_decl

    def visited(self, ctx):
        self._raise_if_query_language_is_not = lambda *_args, **_kwargs: None
        try:
            return visit(self, ctx)
        finally:
            del self._raise_if_query_language_is_not

    Preprocessor.visitResult_writer_decl = visited


@cache
def program_of(definition: str) -> Program:
    """Parses each definition once: that takes seconds."""
    return AmazonStateLanguageParser.parse(json.dumps(accepted("", json.loads(definition))))[0]

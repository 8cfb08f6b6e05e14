"""JSONata by the package jsonata-python. moto leaves its evaluator out, and writes values into the text of expressions."""

from functools import cache

import jsonata
from jsonata.utils import Utils

from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

RESULTS = ("result", "errorOutput")


class Counted:
    """What has been evaluated since it was last reported."""

    evaluations = 0
    expressions: set[str] = set()

    @classmethod
    def take(cls) -> dict:
        taken = {"evaluations": cls.evaluations, "expressions": sorted(cls.expressions)}
        cls.evaluations, cls.expressions = 0, set()
        return taken


@cache
def compiled(expression: str) -> jsonata.Jsonata:
    parsed = jsonata.Jsonata(expression)
    # Null and undefined remain distinct.
    parsed.set_output_convert_nulls(False)
    return parsed


def bound(value):
    return Utils.NULL_VALUE if value is None else value


def plain(value):
    """Returns a copy as plain JSON data."""
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, range)):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError("unsupported")


def failure(env, cause: str) -> FailureEventException:
    error = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = EventDetails(
        evaluationFailedEventDetails=EvaluationFailedEventDetails(error=error.error_name, cause=cause)
    )
    event = FailureEvent(
        env=env, error_name=error, event_type=HistoryEventType.EvaluationFailed, event_details=details
    )
    return FailureEventException(failure_event=event)


def evaluate(env, expression: str):
    """Returns the value of an expression. Raises the failure that moto raises for a value that does not exist."""
    about = f"The JSONata expression '{expression.strip()}'"
    Counted.evaluations += 1
    Counted.expressions.add(expression.strip())
    data = env.states._states_data
    # What is not defined in a state is None in moto's data, and null for JSONata.
    states = {key: value for key, value in data.items() if key not in RESULTS or value is not None}
    variables = env.variable_store
    bindings = {"states": states, **variables._outer_scope, **variables._inner_scope}
    try:
        value = compiled(expression).evaluate(None, {name: bound(value) for name, value in bindings.items()})
    except jsonata.JException as thrown:
        raise failure(env, f"{about} threw an error during evaluation. {thrown.error}: {thrown}") from thrown
    if value is None:
        raise failure(env, f"{about} returned nothing (undefined).")
    try:
        return plain(value)
    except TypeError as thrown:
        raise failure(env, f"{about} returned an unsupported result type.") from thrown


def replace_evaluator() -> None:
    def evaluated(self, env) -> None:
        env.stack.append(evaluate(env, self.expression))

    StringJSONata._eval_body = evaluated

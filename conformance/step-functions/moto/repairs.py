"""Replaces what moto leaves out or does in real time: the calls to other services, waits, the clock, expressions.

What the interpreter decides itself stays moto's: which state follows, what a Retry or Catch matches, how long a retry
waits, what each state's input and output are, what is assigned, and which events the history has.
"""

import datetime
import io
import json
import logging
import re
import types

from botocore.exceptions import ClientError

import session as sessions
from expressions import evaluate, replace_evaluator
from moto.stepfunctions.parser.api import TaskFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry import jitter_strategy_decl, retrier_decl
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import resource_eval_s3 as reader
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer.resource_eval import (
    resource_eval_s3 as writer,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.callback import callback
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramRunning, ProgramStopped, ProgramTimedOut
from session import Clock, Session


def iso(milliseconds: int) -> str:
    """Returns a time as the context object has it."""
    at = datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"


class WorldTime(datetime.datetime):
    """A clock that shows the sandbox's time, in the format of AWS's context object."""

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(Clock.now / 1000, tz=tz or datetime.timezone.utc).replace(tzinfo=tz)

    def isoformat(self, *_args, **_kwargs):
        return iso(round(self.timestamp() * 1000))


def module_with(module, **replaced):
    """Returns a module whose named members are replaced, for one importer only."""
    return types.SimpleNamespace(**{**vars(module), **replaced})


def replace_time() -> None:
    clock = module_with(datetime, datetime=WorldTime)
    state.datetime = clock
    timestamp.datetime = clock
    retrier_decl.time = types.SimpleNamespace(sleep=lambda seconds: sleep(seconds))
    jitter_strategy_decl.random = types.SimpleNamespace(
        uniform=lambda low, high: low + (high - low) * Session.current().ask("random")["value"]
    )

    def wait(self, env: Environment, wait_seconds: int) -> None:
        if wait_seconds > 0:
            sleep(wait_seconds)

    WaitFunction._wait_interval = wait
    EventManager._get_current_timestamp = staticmethod(lambda: WorldTime.now(tz=datetime.timezone.utc))


def sleep(seconds: float) -> None:
    Session.current().ask("sleep", seconds=seconds)


class Unlimited:
    """An event whose waits never time out: the sandbox tells when a task is late."""

    @staticmethod
    def create():
        event = sessions.threading.Event()
        wait = event.wait
        event.wait = lambda timeout=None: wait()
        return event


def replace_time_outs() -> None:
    execute_state.threading = module_with(sessions.threading, Event=Unlimited.create)

    def until_outcome(self, timeout=None):
        answer = Session.current().ask("token")
        if answer["outcome"] == "timed-out":
            raise EvalTimeoutError()
        if answer["outcome"] == "succeeded":
            self._outcome = callback.CallbackOutcomeSuccess(self.callback_id, json.dumps(answer["output"]))
        else:
            self._outcome = callback.CallbackOutcomeFailure(
                self.callback_id, error=answer.get("error"), cause=answer.get("cause")
            )
        return self._outcome

    callback.CallbackEndpoint.wait = until_outcome

    evaluate_execution = StateTaskServiceCallback._eval_execution

    # "If a task using a callback task token times out, a new random token is generated": moto keeps the first one.
    def with_own_token(self, env: Environment) -> None:
        if self.resource.condition == ResourceCondition.WaitForTaskToken:
            if self.heartbeat is not None:
                raise NotImplementedError("The launcher does not support HeartbeatSeconds.")
            data = env.states.context_object.context_object_data
            session = Session.current()
            answer = session.ask(
                "open-token", enteredEventId=session.entered_id, retryCount=data["State"]["RetryCount"]
            )
            token = answer["token"]
            data["Task"] = {"Token": token}
            env.callback_pool_manager.add(token)
        evaluate_execution(self, env)

    StateTaskServiceCallback._eval_execution = with_own_token


class Lambda:
    """Takes the place of boto's client."""

    SERVICE_ERROR = re.compile(
        r"^(.*) \(Service: AWSLambda; Status Code: (\d+); Error Code: (\w+); Request ID: ([\w-]+); Proxy: null\)$", re.S
    )

    def invoke(self, FunctionName: str, Payload: bytes = b"{}") -> dict:
        session = Session.current()
        answer = session.ask(
            "task",
            function=FunctionName,
            payload=json.loads(Payload),
            timeout=session.scheduled.get("timeoutInSeconds"),
        )
        outcome = answer["outcome"]
        if outcome == "timed-out":
            raise EvalTimeoutError()
        if outcome == "succeeded":
            body = json.dumps(answer["output"]).encode()
            return {"StatusCode": 200, "ExecutedVersion": answer["version"], "Payload": io.BytesIO(body)}
        error, cause = answer["error"], answer["cause"]
        if not error.startswith("Lambda."):
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(cause.encode())}
        raise self._service_error(error, cause)

    def _service_error(self, error: str, cause: str) -> Exception:
        match = self.SERVICE_ERROR.match(cause)
        if match and error == f"Lambda.{match[3]}":
            return ClientError(
                {
                    "Error": {"Code": match[3], "Message": match[1]},
                    "ResponseMetadata": {"HTTPStatusCode": int(match[2]), "RequestId": match[4]},
                },
                "Invoke",
            )
        details = TaskFailedEventDetails(error=error, cause=cause, resource="invoke", resourceType="lambda")
        if Session.current().scheduled.get("resource"):
            details["resource"] = Session.current().scheduled["resource"]
        return FailureEventException(
            FailureEvent(
                env=Session.current().execution.env,
                error_name=CustomErrorName(error),
                event_type=HistoryEventType.TaskFailed,
                event_details=EventDetails(taskFailedEventDetails=details),
            )
        )


class S3:
    """Takes the place of boto's client."""

    def get_object(self, Bucket: str, Key: str) -> dict:
        answer = Session.current().ask("get-object", bucket=Bucket, key=Key)
        return {"Body": io.BytesIO(answer["text"].encode())}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:
        Session.current().ask("put-object", bucket=Bucket, key=Key, text=Body.decode())


def replace_services() -> None:
    def client(service: str, **_others):
        return Lambda() if service == "lambda" else S3()

    for module in (lambda_eval_utils, reader, writer):
        module.boto_client_for = client
    # The cause is the function's own text, which is not escaped.
    lambda_eval_utils.json = module_with(
        json, dumps=lambda value, **options: json.dumps(value, ensure_ascii=False, **options)
    )

    put = writer.ResourceEvalS3._handle_put_object

    def put_with_expressions(env, *others):
        parameters = env.stack[-1]
        for name, value in parameters.items():
            if isinstance(value, str) and value.startswith("{%"):
                parameters[name] = evaluate(env, value[2:-2].strip())
        put(env, *others)

    writer.ResourceEvalS3._handle_put_object = staticmethod(put_with_expressions)


def replace_events() -> None:
    """Notes what the sandbox needs to know, and ends the history with the execution."""
    add = EventManager.add_event

    def added(self, context, event_type, event_details=None, timestamp=None, update_source_event_id=True):
        session = Session.current()
        is_end = event_type.value.startswith("Execution")
        if not is_end and isinstance(session.execution.env._program_state, (ProgramStopped, ProgramTimedOut)):
            return context.last_published_event_id
        event_id = add(self, context, event_type, event_details, timestamp, update_source_event_id)
        details = event_details or {}
        if "stateEnteredEventDetails" in details:
            session.state = details["stateEnteredEventDetails"]["name"]
            session.entered_id = event_id
        if "taskScheduledEventDetails" in details:
            session.scheduled = details["taskScheduledEventDetails"]
        return event_id

    EventManager.add_event = added

    set_error = Environment.set_error

    def set_error_once(self, error) -> None:
        if isinstance(self._program_state, ProgramRunning):
            set_error(self, error)

    Environment.set_error = set_error_once


def repair() -> None:
    logging.disable(logging.CRITICAL)
    # Texts for a log that nobody reads take most of the time.
    EvalComponent._log_failure_event_exception = lambda *_, **__: None
    EvalComponent._log_exception = lambda *_, **__: None
    sessions.inherit_sessions()
    replace_evaluator()
    replace_time()
    replace_time_outs()
    replace_services()
    replace_events()

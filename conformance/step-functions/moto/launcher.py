"""Runs executions with moto's interpreter of the Amazon States Language, for a sandbox on the other end of the pipe."""

import json
import sys
import threading
import traceback

from moto.stepfunctions.parser.api import StateMachineType
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.program_state import ProgramRunning
from moto.stepfunctions.parser.asl.eval.states import ContextObjectData, ExecutionData, StateMachineData
from branches import replace_branches, send_end, started
from definitions import accept_result_writers, program_of
from repairs import iso, repair
from session import Clock, Ended, Execution, Session


def environment_of(about: dict) -> Environment:
    """Returns what moto's execution worker makes of an execution's details."""
    return Environment(
        aws_execution_details=AWSExecutionDetails(
            account=about["account"], region=about["region"], role_arn=about["roleArn"]
        ),
        execution_type=StateMachineType.STANDARD,
        context=ContextObjectData(
            Execution=ExecutionData(
                Id=about["arn"],
                Input=about["input"],
                Name=about["name"],
                RoleArn=about["roleArn"],
                StartTime=iso(Clock.now),
            ),
            StateMachine=StateMachineData(Id=about["machineArn"], Name=about["machineName"]),
        ),
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None,
        activity_store={},
    )


def run(session: Session) -> None:
    Session.adopt(session)
    execution = session.execution
    try:
        program = program_of(execution.about["definition"])
        env = environment_of(execution.about)
        execution.env = env
        env._program_state = ProgramRunning()
        started(env, execution.about["input"], execution.about["roleArn"])
        program.eval(env)
        send_end(session, env, "ended")
    except Ended:
        send_end(session, execution.env, "ended")
    except Exception:
        session.send("broken", text=traceback.format_exc())
    finally:
        session.close()


def main() -> None:
    repair()
    replace_branches()
    accept_result_writers()
    for line in sys.stdin:
        message = json.loads(line)
        Clock.now = message["now"]
        if message["to"] == 0:
            session = Session(message["id"], Execution(message["execution"]))
            threading.Thread(target=run, args=(session,), daemon=True).start()
        else:
            Session.sessions[message["to"]].answers.put(message)


if __name__ == "__main__":
    main()

"""Branches of Map and Parallel as sessions of the sandbox, and the children of a distributed Map as executions."""

import threading

from moto.stepfunctions.parser.api import (
    ExecutionStartedEventDetails,
    HistoryEventExecutionDataDetails,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.inline_iteration_component import (
    InlineIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import map_run_record
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor_worker as distributed,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import JobPool
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.states import ExecutionData, StateMachineData
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from expressions import Counted
from repairs import iso
from session import Clock, Ended, Execution, Session


def start_branch(work) -> None:
    """Starts a thread that the sandbox knows, and which waits until the sandbox lets it continue."""
    creator = Session.current()
    session = Session(creator.ask("branch")["id"], creator.execution)
    session.state, session.entered_id = creator.state, creator.entered_id

    def run() -> None:
        Session.adopt(session)
        try:
            session.receive()
            work()
        except Ended:
            pass
        finally:
            session.send("branch-ended")
            session.close()

    threading.Thread(target=run, daemon=True).start()


def replace_workers() -> None:
    def launch(self, env, eval_input, job_pool):
        worker = self._create_worker(env=env, eval_input=eval_input, job_pool=job_pool)
        # There are no workers without an item.
        job_pool.workers = getattr(job_pool, "workers", 0) + 1
        if job_pool.workers <= job_pool._jobs_number:
            start_branch(worker.eval)
        return worker

    InlineIterationComponent._launch_worker = launch

    await_jobs = JobPool.await_jobs

    def awaited(self) -> None:
        Session.current().ask("join")
        await_jobs(self)

    JobPool.await_jobs = awaited


def replace_map_runs() -> None:
    def arns(state_machine_arn: str, label) -> tuple[str, str]:
        answer = Session.current().ask("map-run", state=Session.current().state)
        return answer["stateMachineArn"], answer["mapRunArn"]

    map_run_record.MapRunRecord._generate_map_run_arns = staticmethod(arns)


def as_child(env: Environment, run) -> None:
    """Runs a child of a distributed Map: an execution of its own, with its own context object and history."""
    parent = Session.current()
    item = env.states.get_input()
    answer = parent.ask("child", input=to_json_str(item, separators=(",", ":")))
    about = answer["execution"]
    child = Execution(about)
    child.env = env
    parent.execution, was = child, parent.execution
    manager, env.event_manager = env.event_manager, EventManager()
    context = env.states.context_object.context_object_data
    context["Execution"] = ExecutionData(
        Id=about["arn"],
        Input=item,
        Name=about["name"],
        RoleArn=about["roleArn"],
        StartTime=iso(Clock.now),
    )
    context["StateMachine"] = StateMachineData(Id=about["machineArn"], Name=about["machineName"])
    context.pop("Map", None)
    env.event_history_context.source_event_id = 0
    env._is_frame = False
    try:
        started(env, item, about["roleArn"])
        run()
    finally:
        parent.execution = was
        send_end(parent, env, "child-ended")
        env.event_manager = manager
        env._is_frame = True
    parent.receive()


def replace_children() -> None:
    evaluate = Program.eval

    def evaluated(self, env: Environment) -> None:
        if getattr(env, "is_child", False):
            env.is_child = False
            as_child(env, lambda: evaluate(self, env))
        else:
            evaluate(self, env)

    Program.eval = evaluated

    evaluate_input = distributed.DistributedItemProcessorWorker._eval_input

    def evaluated_input(self, env_frame: Environment) -> None:
        evaluate_input(self, env_frame=env_frame)
        env_frame.is_child = True

    distributed.DistributedItemProcessorWorker._eval_input = evaluated_input


def started(env: Environment, item, role_arn: str) -> None:
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.ExecutionStarted,
        event_details=EventDetails(
            executionStartedEventDetails=ExecutionStartedEventDetails(
                input=to_json_str(item),
                inputDetails=HistoryEventExecutionDataDetails(truncated=False),
                roleArn=role_arn,
            )
        ),
        update_source_event_id=False,
    )


def send_end(session: Session, env: Environment, kind: str) -> None:
    events = [dict(event) for event in env.event_manager.get_event_history()]
    session.send(kind, events=events, **Counted.take())


def replace_branches() -> None:
    replace_workers()
    replace_map_runs()
    replace_children()

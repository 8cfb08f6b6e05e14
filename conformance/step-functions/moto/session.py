"""The side of the conversation with the sandbox: one JSON line for each question and each answer.

All threads of the interpreter but one wait for an answer at any time. The sandbox decides which of them continues, so
that a run is the same each time.
"""

import json
import queue
import sys
import threading


class Ended(Exception):
    """The execution was stopped or has timed out while a thread waited."""


class Clock:
    """The sandbox's time in milliseconds since 1970, as of the latest answer."""

    now = 0


class Session:
    """One thread of control, of an execution or of a branch of it."""

    sessions: dict[int, "Session"] = {}
    _output = threading.Lock()
    _current = threading.local()

    def __init__(self, session_id: int, execution: "Execution"):
        self.id = session_id
        self.execution = execution
        self.answers: "queue.Queue[dict]" = queue.Queue()
        # The state that was entered last, and the details of the task that was scheduled last.
        self.state = ""
        self.entered_id = 0
        self.scheduled: dict = {}
        Session.sessions[session_id] = self

    @classmethod
    def current(cls) -> "Session":
        return cls._current.session

    @classmethod
    def current_or_none(cls) -> "Session | None":
        return getattr(cls._current, "session", None)

    @classmethod
    def adopt(cls, session: "Session | None") -> None:
        cls._current.session = session

    def send(self, kind: str, **details) -> None:
        line = json.dumps({"from": self.id, "kind": kind, **details}, default=str)
        with Session._output:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def receive(self) -> dict:
        answer = self.answers.get()
        Clock.now = answer["now"]
        if "end" in answer:
            self.execution.end(answer["end"])
            raise Ended()
        return answer

    def ask(self, kind: str, **details) -> dict:
        """Sends a question, and waits for its answer. Raises Ended if the execution has ended meanwhile."""
        self.send(kind, **details)
        return self.receive()

    def close(self) -> None:
        del Session.sessions[self.id]


class Execution:
    """What the sessions of one execution share."""

    def __init__(self, about: dict):
        self.about = about
        self.env = None

    def end(self, how: dict) -> None:
        if how["status"] == "TIMED_OUT":
            self.env.set_timed_out()
        else:
            self.env.set_stop(stop_date=None, error=how.get("error"), cause=how.get("cause"))


def inherit_sessions() -> None:
    """Lets a thread belong to the session of the thread that has created it."""
    create, run = threading.Thread.__init__, threading.Thread.run

    def created(self, *args, **kwargs):
        create(self, *args, **kwargs)
        self.creators_session = Session.current_or_none()

    def running(self):
        Session.adopt(self.creators_session)
        run(self)

    threading.Thread.__init__ = created
    threading.Thread.run = running

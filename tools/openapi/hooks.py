"""Hooks of schemathesis: signatures, a world to ask for, and which operations have succeeded.

The walk (walk.ts) starts the sandbox and sets the environment:
WALK_CREDENTIALS has, by name, the credentials of two principals, WALK_TARGET the cluster that there is, WALK_ADDON an
add-on of it, WALK_REGION the region of the API, WALK_TALLY the file for the tally, and WALK_PREPARED what was made for
operations that need something to work on.
"""

import atexit
import json
import os

import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from requests.auth import AuthBase

CREDENTIALS = json.loads(os.environ["WALK_CREDENTIALS"])
TARGET = json.loads(os.environ["WALK_TARGET"])
ADDON = os.environ["WALK_ADDON"]
REGION = os.environ["WALK_REGION"]

# Nobody may approve what they requested themselves.
APPROVES = "reviewer"
REQUESTS = "deployer"


def signer(name):
    given = CREDENTIALS[name]
    return SigV4Auth(
        Credentials(given["accessKeyId"], given["secretAccessKey"], given.get("sessionToken")), "execute-api", REGION
    )


SIGNERS = {name: signer(name) for name in CREDENTIALS}


class Signed(AuthBase):
    """Signs a request once it is whole: its body and its query are part of the signature."""

    def __call__(self, request):
        name = APPROVES if request.url.split("?")[0].endswith("/approval") else REQUESTS
        body = request.body
        unsigned = AWSRequest(
            method=request.method,
            url=request.url,
            data=body.encode() if isinstance(body, str) else body,
            headers={
                header: value
                for header, value in request.headers.items()
                if header.lower() in ("content-type", "idempotency-key")
            },
        )
        SIGNERS[name].add_auth(unsigned)
        for header in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"):
            if header in unsigned.headers:
                request.headers[header] = unsigned.headers[header]
        return request


schemathesis.auth.set_from_requests(Signed())


class Known:
    """What answers have named so far: ids, plans that wait for an approval, and tokens of pages."""

    def __init__(self):
        self.ids = {"migrations": [], "sweeps": []}
        self.pending = {}
        self.ended = []
        self.tokens = {}

    def learn(self, case, answer):
        if not isinstance(answer, dict):
            return
        for name, collection in (("migrationId", "migrations"), ("sweepId", "sweeps")):
            if answer.get(name) and answer[name] not in self.ids[collection]:
                self.ids[collection].append(answer[name])
        if "next" in answer:
            self.tokens[(operation_of(case), answer["next"])] = {name: value for name, value in case.query.items() if name != "next"}
        identity = answer.get("migrationId")
        last = (answer.get("approvals") or [{}])[-1]
        self.pending.pop(identity, None)
        if last.get("state") == "pending" and answer.get("status") == "running":
            self.pending[identity] = last["planHash"]
        if answer.get("outcome") == "migrated" and "steps" in answer and identity not in self.ended:
            self.ended.append(identity)

    def id_for(self, operation, path):
        """Returns an id with which the operation has something to do; None where there is none yet."""
        if operation == "decideApproval" and self.pending:
            return next(iter(self.pending))
        if operation == "rollBack" and self.ended:
            return self.ended.pop()
        ids = self.ids["sweeps" if "/sweeps/" in path else "migrations"]
        return ids[-1 - len(TALLY.get(operation, {})) % len(ids)] if ids else None


TALLY = {}
KNOWN = Known()
# What walk.ts has made, so that each operation has something to do at least once.
PREPARED = json.loads(os.environ["WALK_PREPARED"])


def prepare(case, operation):
    """Points the first requests of an operation at what was made for it."""
    if operation == "decideApproval" and len(PREPARED["pending"]) > 1 and isinstance(case.body, dict):
        case.path_parameters["id"], case.body["planHash"] = PREPARED["pending"].pop(0)
        # One that is approved begins, and supersedes the others.
        case.body["decision"] = "reject"
    if operation == "rollBack" and PREPARED["migrated"]:
        case.path_parameters["id"] = PREPARED["migrated"][0]
    if operation == "cancel" and PREPARED["pending"]:
        case.path_parameters["id"] = PREPARED["pending"][-1][0]
    paused, stopped = PREPARED["sweeps"]
    if operation in ("pauseSweep", "resumeSweep"):
        case.path_parameters["id"] = paused
    if operation == "stopSweep":
        case.path_parameters["id"] = stopped


def operation_of(case):
    return case.operation.definition.raw.get("operationId")


@schemathesis.hook
def before_call(context, case, kwargs):
    """
    Points a request that is right at something that is there. Any other account, cluster, id or token is right by the
    document as well, and the answer to it would be 404 or 422 each time. What a link has given is left as it is.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    operation = operation_of(case)
    if isinstance(case.body, dict) and "target" in case.body:
        case.body["target"] = TARGET
        if "addon" in case.body:
            case.body["addon"] = ADDON
    if "name" in (case.path_parameters or {}):
        case.path_parameters["name"] = TARGET["cluster"]
        case.query["region"] = TARGET["region"]
        case.query.pop("account", None)
    if "id" in (case.path_parameters or {}) and case.path_parameters["id"] not in sum(KNOWN.ids.values(), []):
        case.path_parameters["id"] = KNOWN.id_for(operation, case.path) or case.path_parameters["id"]
    if operation == "decideApproval" and isinstance(case.body, dict):
        case.body["planHash"] = KNOWN.pending.get(case.path_parameters["id"], case.body.get("planHash"))
    if isinstance(case.body, dict):
        selection = case.body.get("selection")
        for name in ("region", "account"):
            if isinstance(selection, dict) and name + "s" in selection:
                selection[name + "s"] = [TARGET[name]]
        for holder in (case.body, case.body.get("options")):
            if isinstance(holder, dict) and isinstance(holder.get("changeWindow"), dict):
                # Which schedules open each year, and which time zones there are, no pattern says.
                holder["changeWindow"].update({"schedule": "* * * * *", "timeZone": "UTC"})
    if operation in ("listMigrations", "listSweeps") and case.query:
        # Two bounds may leave no time between them, and dry runs alone end planned: no schema says so.
        if "since" in case.query:
            case.query.pop("until", None)
        if case.query.get("outcome") == "planned":
            case.query["dryRun"] = "any"
    if case.meta.phase.name.value != "stateful":
        prepare(case, operation)
    if case.meta.phase.name.value == "examples" and isinstance(case.body, dict):
        # Whatever begins now would supersede what waits.
        if operation == "createMigration":
            case.body["approval"] = "required"
        if operation == "createSweep":
            case.body["mode"] = "plan"
    # A token is opaque, and of one list: no pattern says so.
    if "next" in (case.query or {}):
        token = case.query.pop("next")
        if (operation, token) in KNOWN.tokens:
            case.query = {**KNOWN.tokens[(operation, token)], "next": token}


@schemathesis.hook
def after_call(context, case, response):
    """Counts the answers of each operation by phase and status."""
    phase = case.meta.phase.name.value if case.meta else "other"
    counts = TALLY.setdefault(operation_of(case), {}).setdefault(phase, {})
    counts[str(response.status_code)] = counts.get(str(response.status_code), 0) + 1
    # OPTIONS has no body.
    if response.status_code in (200, 202):
        KNOWN.learn(case, response.json())


@atexit.register
def write_tally():
    with open(os.environ["WALK_TALLY"], "w", encoding="utf-8") as file:
        json.dump(TALLY, file)

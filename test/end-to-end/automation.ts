/**
 * Runs the runbook as Systems Manager would: the deployed document, its scripts by Python, its calls with its own role.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DynamoDBClient, GetItemCommand, type GetItemCommandInput } from '@aws-sdk/client-dynamodb';
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandInput,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { ensureAssembly } from '../../cli/assembly.ts';
import { resourcesOfType } from '../../sandbox/assembly/resources.ts';
import { loadStacks } from '../../sandbox/assembly/stacks.ts';
import type { Execution } from '../../sandbox/states/executions.ts';
import { credentialsOf } from '../../sandbox/authorization/access-keys.ts';
import { automationDocument, type AutomationDocument, type Parameter, type Step } from '../lib/automation-document.ts';
import type { OpenWorld } from './world.ts';

/**
 * Runs each script in a fork of this process, which has loaded Python's modules. The script's boto3 passes each call to
 * the test's process, and waits for the answer.
 */
const HARNESS = `
import json, os, sys, types
class Client:
    def __init__(self, service, region_name):
        self.service, self.region = service, region_name
    def __getattr__(self, operation):
        def call(**arguments):
            print(json.dumps({"call": self.service + "." + operation, "region": self.region, "arguments": arguments}), flush=True)
            answer = json.loads(sys.stdin.readline())
            if "error" in answer:
                raise type(answer["error"], (Exception,), {})(answer["message"])
            return answer["result"]
        return call
sys.modules["boto3"] = types.ModuleType("boto3")
sys.modules["boto3"].client = Client
def run(asked):
    scope = {}
    try:
        exec(compile(asked["Script"], "script", "exec"), scope)
        answer = {"result": scope[asked["Handler"]](asked["InputPayload"], {})}
    except Exception as error:
        answer = {"error": type(error).__name__ + ": " + str(error)}
    print(json.dumps(answer), flush=True)
for line in iter(sys.stdin.readline, ""):
    child = os.fork()
    if child == 0:
        run(json.loads(line))
        os._exit(0)
    os.waitpid(child, 0)
`;

type Values = Record<string, unknown>;
interface Line {
  call?: string;
  region?: string;
  arguments?: Values;
  result?: unknown;
  error?: string;
}

interface Clients {
  dynamodb: DynamoDBClient;
  stepFunctions: SFNClient;
}

const callOf = (clients: Clients, { call, arguments: given }: Line): Promise<unknown> => {
  if (call === 'dynamodb.get_item')
    return clients.dynamodb.send(new GetItemCommand(given as unknown as GetItemCommandInput));
  if (call === 'stepfunctions.describe_execution')
    return clients.stepFunctions.send(new DescribeExecutionCommand(given as unknown as DescribeExecutionCommandInput));
  throw new Error(
    `The runbook's scripts call ${call}, which this test does not simulate: add it to test/end-to-end/automation.ts.`,
  );
};

interface Python {
  child: ChildProcess;
  lines: AsyncIterator<string>;
}
let python: Python | undefined;

const startPython = (): Python => {
  const child = spawn('python3', ['-I', '-c', HARNESS], { stdio: ['pipe', 'pipe', 'inherit'] });
  return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
};

/** Ends the process in which the scripts run, if one has run. */
export const endPython = async (): Promise<void> => {
  if (python === undefined) return;
  const { child } = python;
  python = undefined;
  const ended = once(child, 'exit');
  child.stdin?.end();
  await ended;
};

const runScript = async (inputs: object, clients: Clients): Promise<unknown> => {
  const { child, lines } = (python ??= startPython());
  const send = (value: unknown): unknown => child.stdin?.write(`${JSON.stringify(value)}\n`);
  send(inputs);
  for (;;) {
    const next = await lines.next();
    if (next.done === true) throw new Error('The script ended without an answer.');
    const line = JSON.parse(next.value) as Line;
    if (line.error !== undefined) throw new Error(line.error);
    if (line.call === undefined) return line.result;
    send(
      await callOf(clients, line).then(
        (result) => ({ result }),
        (error: unknown) => ({
          error: error instanceof Error ? error.name : 'Error',
          message: error instanceof Error ? error.message : String(error),
        }),
      ),
    );
  }
};

/** Refused as StartAutomationExecution refuses them, before anything runs. */
const refusalOf = ({ parameters }: AutomationDocument, given: Record<string, string>): string | undefined => {
  const isAllowed = ({ allowedPattern, allowedValues, maxChars = Infinity }: Parameter, text: string): boolean =>
    (allowedPattern === undefined || new RegExp(allowedPattern, 'u').test(text)) &&
    (allowedValues?.includes(text) ?? true) &&
    text.length <= maxChars;
  const unknown = Object.keys(given).find((name) => !(name in parameters));
  if (unknown !== undefined) return `The runbook has no parameter ${unknown}.`;
  const wrong = Object.entries(parameters).find(([name, parameter]) => {
    const value = given[name] ?? parameter.default;
    return value === undefined || !isAllowed(parameter, value);
  });
  return wrong && `${wrong[0]} is not allowed.`;
};

/** Resolves references once, as Systems Manager does: a reference inside a value is not resolved. */
const filled = (value: unknown, known: ReadonlyMap<string, unknown>): unknown => {
  const valueOf = (reference: string): unknown => {
    if (!known.has(reference)) throw new Error(`The runbook has no value for {{ ${reference} }}.`);
    return known.get(reference);
  };
  if (typeof value === 'string') {
    const whole = /^\{\{\s*([\w:.]+)\s*\}\}$/.exec(value);
    return whole
      ? valueOf(whole[1]!)
      : value.replaceAll(/\{\{\s*([\w:.]+)\s*\}\}/g, (_, reference: string) => String(valueOf(reference)));
  }
  if (Array.isArray(value)) return value.map((one) => filled(one, known));
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, filled(one, known)]))
    : value;
};

export interface Automation {
  /** `Refused`: nothing was started. */
  status: 'Success' | 'Failed' | 'Cancelled' | 'Refused';
  /** Steps in the order in which they ran, each with its error. */
  steps: { name: string; status: 'Success' | 'Failed' | 'Cancelled'; failure?: string }[];
  /** Of the document. */
  outputs: Values;
}

export interface AutomationOptions {
  /** The automation's id: a UUID. */
  executionId?: string;
  /** Called while the state machine runs; returns whether the automation is cancelled then. */
  whileRunning?: (execution: Execution) => Promise<boolean>;
}

export const EXECUTION_ID = '4105a4fc-f944-11e6-9d32-8fb2db27a909';

class Cancelled extends Error {}

const runbooks = new Map<string, AutomationDocument>();

/** Reading the assembly takes as long as a migration, so the document is read once for each location. */
const deployedRunbook = async (world: OpenWorld): Promise<AutomationDocument> => {
  const { home } = world.backend.sandbox.world;
  const key = JSON.stringify(home);
  const known = runbooks.get(key);
  if (known) return known;
  const [document] = loadStacks((await ensureAssembly()).directory, home).flatMap((stack) =>
    resourcesOfType(stack, 'AWS::SSM::Document'),
  );
  const runbook = automationDocument.parse(document?.properties['Content']);
  runbooks.set(key, runbook);
  return runbook;
};

/** Runs in a thread of the world's clock: time stands still while a script runs. */
export const runAutomation = async (
  world: OpenWorld,
  given: Record<string, string>,
  { executionId = EXECUTION_ID, whileRunning }: AutomationOptions = {},
): Promise<Automation> => {
  const { sandbox } = world.backend;
  const document = await deployedRunbook(world);
  const refused = refusalOf(document, given);
  if (refused !== undefined)
    return { status: 'Refused', steps: [{ name: 'start', status: 'Failed', failure: refused }], outputs: {} };

  const factory = sandbox.clients(credentialsOf(sandbox.world, document.assumeRole));
  const clients: Clients = { dynamodb: factory.dynamodb(), stepFunctions: factory.stepFunctions() };
  const parameters = Object.entries(document.parameters).map(([name, parameter]): [string, unknown] => [
    name,
    given[name] ?? parameter.default,
  ]);
  const known = new Map<string, unknown>([...parameters, ['automation:EXECUTION_ID', executionId]]);

  const runMachine = async (inputs: Values): Promise<void> => {
    const { executionArn = '' } = await clients.stepFunctions.send(
      new StartExecutionCommand(inputs as unknown as { stateMachineArn: string; name: string; input: string }),
    );
    const execution = sandbox.executions.execution(executionArn);
    if ((await whileRunning?.(execution)) === true) {
      await clients.stepFunctions.send(new StopExecutionCommand({ executionArn }));
      throw new Cancelled('cancelled by a person');
    }
    await sandbox.clock.park(execution.ended);
    const { status, error } = await clients.stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
    if (status !== 'SUCCEEDED') throw new Error(`The execution ended ${status}: ${error ?? ''}`);
  };
  /** Returns the step to which a branch leads. */
  const attempt = async (step: Step): Promise<string | undefined> => {
    if (step.action === 'aws:branch') {
      const { Choices, Default } = step.inputs;
      return Choices.find((one) => filled(one.Variable, known) === one.StringEquals)?.NextStep ?? Default;
    }
    const inputs = filled(step.inputs, known) as Values;
    if (step.action === 'aws:executeStateMachine') {
      await runMachine(inputs);
      return undefined;
    }
    const payload = (await runScript(inputs, clients)) as Values;
    for (const { Name, Selector } of step.outputs ?? []) {
      const value = payload[Selector.replace('$.Payload.', '')];
      // Truncated as Systems Manager does.
      if ([value].flat().some((text) => typeof text !== 'string' || text === ''))
        throw new Error(`The step ${step.name} puts out ${Name} as ${JSON.stringify(value)}.`);
      known.set(`${step.name}.${Name}`, value);
    }
    return undefined;
  };
  const runStep = async (step: Step): Promise<string | undefined> => {
    for (let tries = 1; tries < (step.maxAttempts ?? 1); tries += 1)
      try {
        return await attempt(step);
      } catch {
        // It is run once more.
      }
    return attempt(step);
  };

  const steps: Automation['steps'] = [];
  let status: Automation['status'] = 'Success';
  for (let next: string | undefined = document.mainSteps[0]!.name; next !== undefined;) {
    const step: Step = document.mainSteps.find(({ name }) => name === next)!;
    const { name, nextStep, onFailure = 'Abort', onCancel = 'Abort', isCritical = true, isEnd = false } = step;
    try {
      const chosen = await runStep(step);
      steps.push({ name, status: 'Success' });
      next = chosen ?? nextStep;
    } catch (error) {
      const isCancelled = error instanceof Cancelled;
      steps.push({
        name,
        status: isCancelled ? 'Cancelled' : 'Failed',
        failure: error instanceof Error ? error.message : String(error),
      });
      if (isCancelled) status = 'Cancelled';
      else if (isCritical && status === 'Success') status = 'Failed';
      next = /^step:(.*)$/.exec(isCancelled ? onCancel : onFailure)?.[1];
    }
    if (isEnd) break;
  }
  return {
    status,
    steps,
    outputs: Object.fromEntries(document.outputs.map((output) => [output.split('.')[1], known.get(output)])),
  };
};

/** Lets moto interpret the executions of a sandbox: what its sessions ask for is done in the sandbox's world. */
import type { MapState } from '../../sandbox/states/definition.ts';
import type { ChildExecution } from '../../sandbox/states/child-execution.ts';
import { Interrupted, StateFailure } from '../../sandbox/states/failure.ts';
import type { Interpret } from '../../sandbox/states/interpreter.ts';
import type { MapRun } from '../../sandbox/states/map-run.ts';
import type { Scope } from '../../sandbox/states/scope.ts';
import { fromMoto, type MotoEvent, type PlainEvent } from './events.ts';
import type { Peer, Question } from './peer.ts';
import type { Session } from './session.ts';
import { awaitToken, invokeTask, openToken } from './tasks.ts';

const ENDS: ReadonlySet<string> = new Set(['ended', 'child-ended', 'branch-ended']);
const JSON_TYPE = 'application/json';

type Answer = Record<string, unknown>;

/** All executions of one sandbox that moto interprets. */
export class MotoWorld {
  /** The histories that moto has recorded, by the ARN of the execution. */
  readonly histories = new Map<string, PlainEvent[]>();
  /** Number of evaluations of expressions, and the distinct ones. */
  evaluations = 0;
  readonly expressions = new Set<string>();
  /** What went wrong outside of the language: the sandbox makes failed executions of it. */
  readonly problems: unknown[] = [];
  private readonly peer: Peer;
  /** The session of a child that is just being started. */
  private attaching: number | undefined;
  private readonly mapRuns = new Map<string, { run: MapRun; state: MapState }>();

  constructor(peer: Peer) {
    this.peer = peer;
  }

  readonly interpret: Interpret = async (execution, scope, input) => {
    try {
      return await this.run(execution, scope, input);
    } catch (error) {
      if (!(error instanceof StateFailure || error instanceof Interrupted)) this.problems.push(error);
      throw error;
    }
  };

  private async run(...[execution, scope, input]: Parameters<Interpret>): Promise<unknown> {
    const attached = this.attaching;
    this.attaching = undefined;
    const session: Session = { id: attached ?? this.peer.open(), execution, scope, branches: [] };
    const about = aboutOf(execution, scope);
    const end = await this.serve(
      session,
      attached === undefined
        ? {
            to: 0,
            id: session.id,
            execution: { ...about, input, definition: JSON.stringify(execution.machine.definition) },
          }
        : { to: session.id, execution: about },
    );
    const events = (end['events'] as MotoEvent[]).map(fromMoto);
    this.histories.set(execution.arn, events);
    this.evaluations += Number(end['evaluations']);
    for (const expression of end['expressions'] as string[]) this.expressions.add(expression);
    // The sandbox adds the first and the last event itself.
    for (const { type, previousEventId, details } of events.slice(1, -1))
      scope.run.history.add(type, previousEventId, details);
    return outcomeOf(events.at(-1));
  }

  /** Answers a session until it has ended. */
  private async serve(session: Session, first: Answer): Promise<Question> {
    let answer = first;
    for (;;) {
      const message = { to: session.id, ...answer, now: session.scope.run.clock.now() };
      const question = await this.peer.exchange(session.id, message);
      if (ENDS.has(question.kind)) return question;
      answer = await this.answered(session, question);
    }
  }

  /** Once the execution has ended in another way, that is the answer to every question. */
  private async answered(session: Session, question: Question): Promise<Answer> {
    const { execution, scope } = session;
    try {
      if (scope.cancellation.cancelled) throw new Interrupted('Cancelled.');
      return await this.answer(session, question);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      const { status, error: name, cause } = execution;
      return { end: { status, error: name, cause } };
    }
  }

  private async answer(session: Session, question: Question): Promise<Answer> {
    const { scope } = session;
    const { clock, maps, random } = scope.run;
    switch (question.kind) {
      case 'sleep':
        await scope.sleep(Math.round(Number(question['seconds']) * 1000));
        return {};
      case 'random':
        return { value: random.next() };
      case 'task':
        return invokeTask(session, question);
      case 'open-token':
        return openToken(session, question);
      case 'token':
        return awaitToken(session);
      case 'get-object':
        return { text: maps.objects().get(String(question['bucket']), String(question['key'])) };
      case 'put-object':
        maps.objects().put(String(question['bucket']), String(question['key']), String(question['text']), JSON_TYPE);
        return {};
      case 'map-run':
        return this.openMapRun(session, String(question['state']));
      case 'child':
        return this.runChild(session, String(question['input']));
      case 'branch':
        return this.startBranch(session);
      case 'join':
        await clock.park(Promise.all(session.branches.map((id) => this.runBranch(session, id))));
        session.branches = [];
        return {};
      default:
        throw new Error(`moto's launcher asks for ${question.kind}, which does not exist.`);
    }
  }

  private openMapRun({ execution, scope }: Session, name: string): Answer {
    const { maps } = scope.run;
    const state = execution.machine.parsed.States[name];
    if (state?.Type !== 'Map') throw new Error(`${name} is not a Map.`);
    // What DescribeMapRun returns; moto has limits of its own.
    const run = maps.open(name, state, { maxConcurrency: 10_000, tolerance: { percentage: 100 } });
    maps.authorize();
    this.mapRuns.set(execution.arn, { run, state });
    return { mapRunArn: run.arn, stateMachineArn: run.stateMachineArn };
  }

  /** Starts a child of a distributed Map, whose states the same session runs, and waits for its end. */
  private async runChild({ id, execution, scope }: Session, input: string): Promise<Answer> {
    const { clock, maps } = scope.run;
    const found = this.mapRuns.get(execution.arn);
    if (!found) throw new Error(`${execution.arn} has no Map run.`);
    found.run.plan(1);
    this.attaching = id;
    const child = maps.start(found.run, found.state, input);
    found.run.begun(child, 1);
    const release = scope.cancellation.onCancel(() => child.stop());
    await clock.park(child.ended);
    release();
    found.run.ended(child, 1);
    return {};
  }

  /** A branch begins once the session that has started it waits for its branches. */
  private startBranch({ branches }: Session): Answer {
    const id = this.peer.open();
    branches.push(id);
    return { id };
  }

  private runBranch({ execution, scope }: Session, id: number): Promise<unknown> {
    return scope.run.clock.spawn(() => this.serve({ id, execution, scope, branches: [] }, {}));
  }
}

const aboutOf = ({ arn, name, machine }: ChildExecution, { run }: Scope): Answer => {
  const [, , , region = '', account = ''] = arn.split(':');
  return { arn, name, region, account, roleArn: run.roleArn, machineArn: machine.arn, machineName: machine.name };
};

/** Returns the output that the last event reports. Throws what the sandbox expects of an interpreter otherwise. */
const outcomeOf = (last: PlainEvent | undefined): unknown => {
  const { output, error, cause } = Object.values(last?.details ?? {})[0] ?? {};
  if (last?.type === 'ExecutionSucceeded') return JSON.parse(String(output)) as unknown;
  if (last?.type === 'ExecutionFailed')
    throw new StateFailure(error as string | undefined, cause as string | undefined);
  throw new Interrupted('Ended.');
};

/**
 * Follows a whole migration, and what comes after it, in the sandbox, and says which rights it rested on and which were
 * missing.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DescribeExecutionCommand, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { createDynamoLedger } from '../../lambdas/adapters/dynamo-ledger.ts';
import { DynamoTable, itemOf } from '../../lambdas/adapters/dynamo-table.ts';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { GRACE_MS } from '../../lambdas/steps/take-over/schema.ts';
import { type Assembly, loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { loadSpokes } from '../../sandbox/assembly/spokes.ts';
import { Authorizer, type Use } from '../../sandbox/authorization/authorizer.ts';
import type { Denial } from '../../sandbox/permission/permission.ts';
import { type RuleUse, ruleUses } from '../../sandbox/kubernetes/rbac.ts';
import { openSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { credentialsOf } from '../../sandbox/authorization/access-keys.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { FaultInput } from '../../sandbox/calls/faults.ts';
import { homeOf, spokeLocationsOf } from '../../sandbox/build/build.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Knobs, Scenario } from '../../sandbox/scenario/scenario.ts';
import { findRole } from '../../sandbox/world/world.ts';
import type { OperationId } from '../../lambdas/api/operations.ts';
import { countingFrom } from '../end-to-end/sweep-world.ts';
import { previousOf } from '../upgrade/previous.ts';
import { deniedEvent } from '../lambdas/denied-event.ts';
import { type ByApi, createApiCaller, Refusal } from './by-api.ts';
import { type Grant, grantsOf, runbookRoleOf, without } from './grants.ts';

const MIGRATION_ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
const SECOND_ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4B';

export interface Run {
  /** What it is for. */
  name: string;
  scenario: string;
  /** Each execution in the end, by state machine: its status, or its error where it failed. */
  ends: string[];
  /** Default: of the first add-on that uses IRSA. One that names a service account is about that alone. */
  request?: Partial<MigrationRequestInput>;
  knobs?: Partial<Knobs>;
  change?: (scenario: Scenario) => void;
  faults?: FaultInput[];
  /** The state machine MigrateAddon is the previous release's, as for an execution in flight at an upgrade. */
  previous?: true;
  /** Seconds after which the execution is stopped; then Recover comes by itself. */
  stopAfter?: number;
  /** The SSM runbook starts it, stops it, and reads how it ended: with its own role. */
  runbook?: true;
  /** What is asked for by the HTTP API, in place of the execution that is started directly. */
  byApi?: ByApi;
  /** A rollback on demand at the end. */
  rollBack?: boolean;
  /** The OIDC trust is retired at the end, and put back. */
  retire?: boolean;
  /** Seconds after which the same is asked for once more. */
  again?: number;
  /** What another principal does once that step has made its first call of that operation. */
  meanwhile?: { step: string; operation: string; act: (sandbox: Sandbox) => Promise<unknown> };
  /** CloudTrail tells twice of a denied UpdateAddon of the add-on, at the end. */
  denied?: true;
  /** What else is done then, in a thread of the sandbox's clock. */
  afterwards?: (sandbox: Sandbox, target: Target) => Promise<unknown>;
  /** Minutes that pass at the end, for what comes by schedule. */
  later?: number;
  /** Looks that each execution of Sweep is taken to have had when it begins; default: none. */
  looked?: number;
}

/** How executions end. */
export const MIGRATED = 'MigrateAddon SUCCEEDED';
export const BLOCKED = 'MigrateAddon Blocked';
export const RECOVERED = 'Recover SUCCEEDED';
export const RETIRED = 'Retire SUCCEEDED';
export const SWEPT = 'Sweep SUCCEEDED';

/** Returns a run; by default, one that migrates in the scenario `in-place`. */
export const runOf = (name: string, { scenario = 'in-place', ends = [MIGRATED], ...more }: Partial<Run> = {}): Run => ({
  name,
  scenario,
  ends,
  ...more,
});

/** As `pod-identity cancel` does. */
export const cancel = (sandbox: Sandbox): Promise<boolean> =>
  createDynamoLedger({ client: sandbox.clients().dynamodb(), tableName: sandbox.outputs.tableName }).requestCancel(
    MIGRATION_ID,
    { requestedAt: new Date(sandbox.clock.now()).toISOString() },
  );

/** Each wait of the state machine is long enough, so that a run has few polls. */
const QUICK: Partial<Knobs> = {
  addonCreateSeconds: 8,
  addonUpdateSeconds: 6,
  addonDeleteSeconds: 12,
  podReadySeconds: 2,
  podTerminationSeconds: 1,
};

export const scenarioOf = ({ scenario: name, knobs, change }: Run): Scenario => {
  const scenario = parseScenario(
    JSON.parse(readFileSync(join(import.meta.dirname, `../../sandbox/scenarios/${name}.json`), 'utf8')),
    name,
  );
  Object.assign(scenario.knobs, QUICK, knobs);
  change?.(scenario);
  return scenario;
};

const follow = async (
  sandbox: Sandbox,
  { accounts }: Scenario,
  { request, stopAfter, runbook, byApi, rollBack, retire, again, denied, afterwards, later }: Run,
  runbookRole: string,
  { asked, refusals }: Pick<Ran, 'asked' | 'refusals'>,
): Promise<void> => {
  const { clock, outputs, executions } = sandbox;
  const [account] = accounts;
  const [cluster] = account!.clusters;
  const addon = cluster!.addons.find(({ serviceAccountRoleArn }) => serviceAccountRoleArn !== undefined)?.name;
  const subject = request?.serviceAccount ? {} : { addon };
  const clients = sandbox.clients(...(runbook ? [credentialsOf(sandbox.world, runbookRole)] : []));
  const stepFunctions = clients.stepFunctions();
  const start = async (stateMachineArn: string, name: string, input: object): Promise<string> => {
    const { executionArn } = await stepFunctions.send(
      new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
    );
    return executionArn!;
  };
  const rest = async (): Promise<void> => {
    for (let running = executions.running(); running.length > 0; running = executions.running())
      await clock.park(Promise.all(running.map(({ ended }) => ended)));
  };
  const target = { account: account!.id, region: cluster!.region, cluster: cluster!.name };
  if (byApi) {
    await byApi(createApiCaller(sandbox, { target, addon, rest }, (operation) => void asked.add(operation))).catch(
      (error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
        refusals.push(error.message);
      },
    );
    return;
  }
  const migrate = (migrationId: string): Promise<string> =>
    start(outputs.stateMachineArn, migrationId, { migrationId, request: { target, ...subject, ...request } });
  const executionArn = await migrate(MIGRATION_ID);
  if (again !== undefined) {
    await clock.sleep(again * 1000);
    await migrate(SECOND_ID);
  }
  if (stopAfter !== undefined) {
    await clock.sleep(stopAfter * 1000);
    await stepFunctions.send(new StopExecutionCommand({ executionArn }));
    // Recover waits until no Lambda of the stopped execution can be at work.
    await clock.sleep(15 * 60_000);
  }
  await rest();
  if (runbook) {
    await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
    await new DynamoTable(clients.dynamodb(), outputs.tableName).get(itemOf(MIGRATION_ID, 'RECORD'));
  }
  for (const eventID of denied ? ['e-1', 'e-2'] : []) {
    sandbox.deliver(
      deniedEvent({ cluster: target.cluster, detail: { eventID }, parameters: { addonName: addon } }),
      target,
    );
    await clock.sleep(3 * 60_000);
  }
  await afterwards?.(sandbox, target);
  if (later !== undefined) await clock.sleep(later * 60_000);
  await rest();
  for (const action of retire ? ['retire', 'reinstate'] : []) {
    await start(outputs.retireStateMachineArn!, action, {
      migrationId: MIGRATION_ID,
      action,
      dryRun: false,
      soakDays: 0,
    });
    await rest();
  }
  if (rollBack) {
    sandbox.world.faults.clear();
    // Before that, take-over would wait.
    await clock.sleep(GRACE_MS);
    await start(outputs.recoverStateMachineArn, 'rollback', { migrationId: MIGRATION_ID, cause: 'requested' });
    await rest();
  }
};

/** All that is deployed for a scenario: the service, and its stack in other accounts. */
export const withSpokes = (directory: string, scenario: Scenario): Assembly => {
  const home = homeOf(scenario);
  const assembly = loadAssembly(directory, home);
  const { roles, rules } = loadSpokes(directory, {
    locations: spokeLocationsOf(scenario),
    outputs: assembly.outputs,
    rolesRegion: home.region,
  });
  return { ...assembly, roles: [...assembly.roles, ...roles], rules: [...assembly.rules, ...rules] };
};

const meet = (sandbox: Sandbox, { meanwhile }: Run): void => {
  let met = false;
  sandbox.world.log.onCall(({ step, operation }) => {
    if (met || !meanwhile || step !== meanwhile.step || operation !== meanwhile.operation) return;
    met = true;
    // Who is refused has changed nothing.
    void sandbox.clock.spawn(() => meanwhile.act(sandbox).catch(() => undefined));
  });
};

export interface Ran {
  /** What was refused for want of a right: holder and action, each once. */
  denied: string[];
  uses: Use[];
  /**
   * Rules of RBAC objects and access policies that calls to API servers rested on, and what was refused there: step,
   * verb and resource, each once.
   */
  rules: RuleUse[];
  forbidden: string[];
  /** Steps that called an API server. */
  callers: string[];
  /** Operations of the HTTP API that were answered. */
  asked: Set<OperationId>;
  /** What it answered with a problem: operation and status. */
  refusals: string[];
  /** How each execution ended: state machine and status, or error. */
  ends: string[];
  /** What the plan's failed checks say. */
  blockedBy: string[];
  /** What the plan warns of. */
  warnings: string[];
  /** What the sandbox's own services threw. */
  failures: unknown[];
  /** How many calls it made. */
  calls: number;
  /** A hash of all that a plan can depend on: until their plans have ended, two runs with the same one are one run. */
  start: string;
  /**
   * The first right that would be missed, by holder and action, were that one taken out: each call is judged again by
   * the same authorizer. Up to that call such a run is this one, so that it would be refused there.
   */
  missedWithout: (taken: Grant) => string | undefined;
}

type Judged = Parameters<Authorizer['authorize']>;

/** Keeps every question that is put to the authorizer from now on. */
const questionsTo = (authorizer: Authorizer): Judged[] => {
  const questions: Judged[] = [];
  const authorize = authorizer.authorize.bind(authorizer);
  authorizer.authorize = (...question) => {
    questions.push(question);
    return authorize(...question);
  };
  return questions;
};

/**
 * Hashes the scenario, the calls up to the first of the step `begin`, and what follows the migration. The knobs, whose
 * effects before that the calls show, decide how AWS answers changes.
 */
const startOf = (scenario: Scenario, { rollBack, retire }: Run, calls: readonly Call[]): string => {
  const begun = calls.findIndex(({ step }) => step === 'begin');
  const before = begun === -1 ? calls : calls.slice(0, begun);
  return createHash('sha256')
    .update(JSON.stringify([{ ...scenario, knobs: undefined }, rollBack, retire, before]))
    .digest('hex');
};

/** Takes the action out of the policy that has it; what it returns puts it back. */
const take = (world: Sandbox['world'], taken: Grant): (() => void) => {
  const policy = findRole(world, taken.principalArn)!.policies.find(({ name }) => name === taken.policy)!;
  const { document } = policy;
  policy.document = without(JSON.parse(document) as object, taken);
  return () => (policy.document = document);
};

/** Removes the grant once a plan is being carried out, as a person does who then changes a role by hand. */
const takeOnceBegun = (world: Sandbox['world'], taken: Grant): void => {
  let done = false;
  world.log.onCall(({ step }) => {
    if (done || step !== 'begin') return;
    done = true;
    take(world, taken);
  });
};

/**
 * Follows a run to its end, or to the first refusal. `taken`: an action that is taken out of the policy that has it, as
 * if the template did not have it; `begun`: only once a migration has begun.
 */
export const follows = async (
  run: Run,
  directory: string,
  taken?: Grant,
  when: 'deployed' | 'begun' = 'deployed',
): Promise<Ran> => {
  const scenario = scenarioOf(run);
  const sandbox = await openSandbox({
    scenario,
    assemblyDirectory: directory,
    definitionOf: run.previous ? previousOf(['MigrateAddon']) : countingFrom(run.looked ?? 0),
  });
  const assembly = withSpokes(directory, scenario);
  if (taken && when === 'deployed') take(sandbox.world, taken);
  if (taken && when === 'begun') takeOnceBegun(sandbox.world, taken);
  const questions = questionsTo(sandbox.authorizer);
  for (const fault of run.faults ?? []) sandbox.world.faults.add(fault);
  meet(sandbox, run);
  const refused = new Promise<void>((resolve) =>
    sandbox.world.log.onCall(() => sandbox.authorizer.denials.length > 0 && resolve()),
  );
  const byApi: Pick<Ran, 'asked' | 'refusals'> = { asked: new Set(), refusals: [] };
  await Promise.race([
    sandbox.clock.spawn(() => follow(sandbox, scenario, run, runbookRoleOf(assembly), byApi)),
    refused,
  ]);
  const record = await createDynamoLedger({
    client: sandbox.clients().dynamodb(),
    tableName: sandbox.outputs.tableName,
  }).getMigration(MIGRATION_ID);
  await sandbox.close();
  const holders = new Map(grantsOf(assembly).map(({ principalArn, holder }) => [principalArn, holder]));
  const named = ({ principalArn, action }: Pick<Denial, 'principalArn' | 'action'>): string =>
    `${holders.get(principalArn) ?? principalArn} ${action}`;
  return {
    denied: [...new Set(sandbox.authorizer.denials.map(named))],
    missedWithout: (grant) => {
      const putBack = take(sandbox.world, grant);
      const judge = new Authorizer(sandbox.world);
      const mine = questions.filter(([{ principalArn }]) => principalArn === grant.principalArn);
      const denial = mine.map((question) => judge.authorize(...question)).find((one) => one !== undefined);
      putBack();
      return denial && named(denial);
    },
    uses: sandbox.authorizer.uses(),
    ...byApi,
    rules: [...sandbox.world.accounts.values()].flatMap(({ clusters }) => [...clusters.values()]).flatMap(ruleUses),
    callers: [
      ...new Set(
        sandbox.world.log.calls.flatMap(({ service, step }) =>
          service === 'kubernetes' && step !== undefined ? [step] : [],
        ),
      ),
    ],
    forbidden: [
      ...new Set(
        sandbox.world.log.calls
          .filter(({ service, status }) => service === 'kubernetes' && (status === 401 || status === 403))
          .map(({ step = 'operator', operation }) => `${step} ${operation}`),
      ),
    ],
    ends: assembly.stateMachines.flatMap(({ arn, name }) =>
      sandbox.executions
        .list(arn)
        .map(({ status, error }) => `${/-(\w+?)StateMachine/.exec(name)?.[1] ?? name} ${error ?? status}`),
    ),
    blockedBy: (record?.plan?.checks ?? [])
      .filter(({ status }) => status === 'fail' || status === 'unknown')
      .map(({ message, remedy }) => `${message} ${remedy ?? ''}`),
    warnings: (record?.plan?.checks ?? []).filter(({ status }) => status === 'warn').map(({ message }) => message),
    failures: sandbox.failures,
    calls: sandbox.world.log.calls.length,
    start: startOf(scenario, run, sandbox.world.log.calls),
  };
};

/**
 * The inventory of one region in the sandbox: its clusters as a test defines them, its calls made by the operator, in
 * virtual time.
 */
import { ensureAssembly } from '../../cli/assembly.ts';
import { openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import { clusterKey, locationKey } from '../../lambdas/domain/sweep/keys.ts';
import {
  clusterInventory,
  type ClusterInventory,
  type LocationInventory,
  locationInventory,
  type SweepItem,
} from '../../lambdas/domain/sweep/model.ts';
import { sweepRequest, type SweepRequestInput } from '../../lambdas/domain/sweep/request.ts';
import { newSweep } from '../../lambdas/use-cases/sweep/commanding.ts';
import { deploymentSettingsOf, wire } from '../../lambdas/runtime/wiring.ts';
import { takeInventoryStep } from '../../lambdas/steps/take-inventory/handler.ts';
import type { HandlerDependencies } from '../../lambdas/ports/index.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { withLocalLayers } from '../../sandbox/lambda/layers.ts';
import { stepOf } from '../../sandbox/lambda/source-runtime.ts';
import { homeOf } from '../../sandbox/build/build.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { FakeDocuments } from '../lambdas/fake-sweeps.ts';
import { FakeTelemetry } from '../lambdas/fake-telemetry.ts';
import { scenarioWith } from './fixture.ts';

export const LOCATION = { account: '111122223333', region: 'eu-west-1' };
export const SWEEP_ID = '01KF0E44M047C4FEZDQK8YZG0M';
export const roleOf = (cluster: string): string => `arn:aws:iam::111122223333:role/${cluster}-ebs-csi`;

export type Change = (cluster: ScenarioCluster, role: Scenario['accounts'][number]['roles'][number]) => void;

/**
 * The first case once for each name, with a separate role and OIDC provider, without the left-overs of an earlier
 * attempt.
 */
export function fleetOf(changes: Record<string, Change>): Scenario {
  return scenarioWith((scenario, model) => {
    const [account] = scenario.accounts;
    const [role] = account!.roles;
    const oidcId = model.oidcId!;
    account!.roles = [];
    account!.clusters = [];
    for (const [index, [name, change]] of Object.entries(changes).entries()) {
      const own = oidcId.slice(0, -2) + String(index).padStart(2, '0');
      const cluster: ScenarioCluster = structuredClone({ ...model, name, oidcId: own, associations: [], nodes: 2 });
      const itsRole = JSON.parse(JSON.stringify({ ...role, arn: roleOf(name) }).replaceAll(oidcId, own)) as NonNullable<
        typeof role
      >;
      for (const addon of cluster.addons)
        if (addon.serviceAccountRoleArn !== undefined) addon.serviceAccountRoleArn = itsRole.arn;
      change(cluster, itsRole);
      account!.clusters.push(cluster);
      account!.roles.push(itsRole);
    }
  });
}

export interface Taken {
  location: LocationInventory | undefined;
  clusters: Record<string, ClusterInventory>;
  items: SweepItem[];
  /** Calls of the target's services during the inventory. */
  calls: Call[];
  /** The answer of each invocation. */
  answers: unknown[];
  /** Duration by the sandbox's clock, milliseconds. */
  took: number;
}

export interface TakeOptions {
  request?: Partial<SweepRequestInput>;
  /** Milliseconds that each invocation has. */
  invocation?: number;
  prepare?: (backend: SandboxBackend) => void;
  change?: (dependencies: HandlerDependencies) => Partial<HandlerDependencies>;
}

const OF_TARGET = ['eks', 'iam', 'sts', 'kubernetes'];

/** Invokes take-inventory until it is done. */
export async function takeInventory(
  scenario: Scenario,
  { request = {}, invocation = 900_000, prepare, change = () => ({}) }: TakeOptions = {},
): Promise<Taken> {
  const backend = await openSandboxBackend(scenario, {});
  try {
    prepare?.(backend);
    const { sandbox } = backend;
    const { clock } = sandbox;
    const { directory } = await ensureAssembly();
    const fn = loadAssembly(directory, homeOf(scenario)).functions.find((one) => stepOf(one) === 'take-inventory')!;
    const documents = new FakeDocuments();
    const environment = withLocalLayers(fn);
    const wired = wire({
      clients: sandbox.clients(),
      step: 'take-inventory',
      environment,
      deployment: deploymentSettingsOf(takeInventoryStep.schema, environment),
      clock,
      ids: backend.ids,
      telemetry: new FakeTelemetry(),
      documentsOf: () => documents,
    });
    const dependencies: HandlerDependencies = { ...wired, ...change(wired) };
    await dependencies.sweeps.create(
      newSweep({
        sweepId: SWEEP_ID,
        request: sweepRequest.parse({ mode: 'inventory', ...request }),
        startedAt: new Date(clock.now()).toISOString(),
      }),
    );
    const since = sandbox.world.log.calls.length;
    const began = clock.now();
    const answers: unknown[] = [];
    let after: string | undefined;
    let done = false;
    while (!done) {
      const { input, output } = takeInventoryStep.schema;
      const asked = input.parse({ sweepId: SWEEP_ID, ...LOCATION, ...(after === undefined ? {} : { after }) });
      const end = clock.now() + invocation;
      const answer = await clock.park(
        clock.spawn(async () =>
          output.parse(await takeInventoryStep.run(asked, { ...dependencies, remainingTime: () => end - clock.now() })),
        ),
      );
      answers.push(answer);
      ({ done, after } = answer as { done: boolean; after: string | undefined });
    }
    const took = clock.now() - began;
    const calls = sandbox.world.log.calls.slice(since).filter(({ service }) => OF_TARGET.includes(service));
    const items: SweepItem[] = [];
    await dependencies.sweeps.eachItem(SWEEP_ID, (page) => void items.push(...page));
    const read = (key: string): unknown => JSON.parse(documents.objects.get(key)?.text ?? 'null');
    const location = locationInventory.safeParse(read(locationKey(SWEEP_ID, LOCATION))).data;
    const [account] = scenario.accounts;
    const clusters = Object.fromEntries(
      account!.clusters.flatMap(({ name }) => {
        const found = clusterInventory.safeParse(read(clusterKey(SWEEP_ID, LOCATION, name))).data;
        return found ? [[name, found] as const] : [];
      }),
    );
    return { location, clusters, items, calls, answers, took };
  } finally {
    await backend.close();
  }
}

/** The class of each add-on, by its name; `-` for a cluster of which nothing is known. */
export const classesOf = ({ findings }: ClusterInventory): Record<string, string> =>
  Object.fromEntries(findings.map(({ addon = '-', class: found }) => [addon, found]));

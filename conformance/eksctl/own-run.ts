/** Runs this project's own migration in a scenario, and measures what it leads to as eksctl's is measured. */
import { acceptedNames } from '../../lambdas/domain/acceptance/accept.ts';
import { openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import { silentProgress } from '../../cli/progress.ts';
import { reportIn, startAndFollow } from '../../cli/service/run.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { targetOf } from '../kubernetes/scenarios/carry-out.ts';
import type { Asked } from '../kubernetes/scenarios/run.ts';
import { clusterOf, lifetimeOf, measure, type Measured } from './measure.ts';
import { optionsOf, type Subject } from './requests.ts';

/** One request, and how it ended. */
export interface OwnRequest {
  subject: string;
  options: string[];
  outcome: MigrationReport['outcome'];
  /** Titles of what blocked it, or the failure. */
  because: string[];
  /** Seconds of the world's time. */
  seconds: number;
}

export interface OwnResult extends Measured {
  requests: OwnRequest[];
}

const DONE: ReadonlySet<MigrationReport['outcome']> = new Set(['migrated', 'already-migrated']);

const becauseOf = ({ outcome, plan, failure }: MigrationReport): string[] => {
  if (DONE.has(outcome)) return [];
  const failed = (plan?.checks ?? [])
    .filter(({ status }) => status !== 'pass' && status !== 'warn')
    .map(({ id }) => id);
  return outcome === 'blocked' ? [...new Set(failed)] : [failure?.name ?? outcome];
};

/** Requests that accept by name that pods may not reach their credentials, as the plan warned. */
const ACCEPTS_NO_CREDENTIALS = ['network-policy', 'unknown-credentials'] as const;

/** Returns the service accounts whose pods may lose their role, as the request accepts. */
const acceptedBy = ({ serviceAccount, accept = [] }: Asked = {}): readonly string[] => [
  ...acceptedNames({ accept }, 'identity-loss'),
  ...(serviceAccount && ACCEPTS_NO_CREDENTIALS.some((kind) => acceptedNames({ accept }, kind).length > 0)
    ? [serviceAccount.name]
    : []),
];

/**
 * Returns the request with what the plan proposes first where pods would lose their role: an association of their own,
 * with the same role. Undefined if the plan does not propose it, or the request has it already.
 */
const proposedBy = ({ plan }: MigrationReport, asked: Asked): Asked | undefined => {
  const losses = (plan?.identityLosses ?? []).filter(({ accepted, pods }) => !accepted && pods > 0);
  if (losses.length === 0 || asked.roles !== undefined) return undefined;
  return {
    ...asked,
    roles: Object.fromEntries(losses.map(({ serviceAccount, roleArn }) => [serviceAccount, roleArn])),
  };
};

/** Tries the requests for one subject in turn, until one migrates it: what a plan proposes comes first. */
const migrateSubject = async (
  backend: SandboxBackend,
  target: Target,
  { name, requests }: Subject,
): Promise<{ tried: OwnRequest[]; asked: Asked | undefined }> => {
  const tried: OwnRequest[] = [];
  const queue = [...requests];
  for (let asked = queue.shift(); asked; asked = queue.shift()) {
    const since = backend.clock.now();
    const request = migrationRequest.parse({ target, ...asked });
    const report = reportIn(await startAndFollow(backend, request, silentProgress));
    tried.push({
      subject: name,
      options: optionsOf(asked),
      outcome: report.outcome,
      because: becauseOf(report),
      seconds: Math.round((backend.clock.now() - since) / 1000),
    });
    if (DONE.has(report.outcome)) return { tried, asked };
    const proposed = proposedBy(report, asked);
    if (proposed) queue.unshift(proposed);
  }
  return { tried, asked: undefined };
};

/** Migrates the subjects one after the other, and lets the world go on as long as after eksctl. */
export const runOwn = async (scenario: Scenario, subjects: readonly Subject[]): Promise<OwnResult> => {
  const target = targetOf(scenario);
  const backend = await openSandboxBackend(scenario, {});
  const { sandbox, clock } = backend;
  try {
    return await clock.spawn(async () => {
      const measurement = measure(sandbox.world, clusterOf(sandbox, target));
      const requests: OwnRequest[] = [];
      const accepted = new Set<string>();
      const roles = new Map<string, string>();
      for (const subject of subjects) {
        const { tried, asked } = await migrateSubject(backend, target, subject);
        requests.push(...tried);
        for (const account of acceptedBy(asked)) accepted.add(account);
        for (const [account, role] of Object.entries(asked?.roles ?? {})) roles.set(account, role);
      }
      await clock.sleep(lifetimeOf(sandbox.world) * 1000);
      sandbox.world.schedule.advanceTo(clock.now());
      if (sandbox.failures.length > 0)
        throw new Error(`The sandbox's own services failed: ${JSON.stringify(sandbox.failures)}`);
      return { requests, ...measurement.end({ accepted, roles }) };
    });
  } finally {
    await backend.close();
  }
};

/** Migrations of an add-on over the fakes, forwards and back, and what must hold at the end of each. */
import { expect } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Addon, Association } from '../../../lambdas/domain/terms/observed.ts';
import type { Outcome } from '../../../lambdas/domain/terms/outcome.ts';
import type { CreateAddonRequest } from '../../../lambdas/ports/index.ts';
import { EVIDENCE_LATEST } from '../../../lambdas/use-cases/migration/report.ts';
import { newFakes, type Fakes } from '../fakes.ts';
import { ADDON, addonArn, ROLE, ROLES_OF_ACCOUNT, SERVICE_ACCOUNT } from '../example.ts';
import { ADDON_LOCK, at, MIGRATION_ID, ROLE_LOCK, otherHolder } from '../run-examples.ts';
import { agentDaemonSet, anAssociation, aPod } from '../eks-fixtures.ts';
import { BEFORE, REPAIR } from './repaired.ts';
import { isRead, type Workflow } from './workflow-faults.ts';

export interface Case {
  name: string;
  outcome: Outcome;
  request?: object;
  leftOver?: Association;
  /** Changes EKS and the pods before the run. */
  world?: (fakes: Fakes) => void;
  /** Names of the steps' lines, where they are worth saying. */
  lines?: string[];
  /** ARNs that the record has at the end. */
  copies?: { removed: string[]; made: string[] };
  keepsRole?: boolean;
  /** The Pod Identity agent's add-on is installed, and stays. */
  installsAgent?: boolean;
  /** What the role's trust policy is at the end, where it was one for IRSA alone. */
  trust?: string;
}

const FIRST = addonArn(1);
const SECOND = addonArn(2);
const THIRD = addonArn(3);
const onPodIdentity = ({ podIdentityAssociations }: Addon): boolean => podIdentityAssociations.length > 0;
const podOf = (addon: Addon): ReturnType<typeof aPod> =>
  aPod(onPodIdentity(addon) ? 'pod-identity' : addon.serviceAccountRoleArn === undefined ? 'node-role' : 'irsa', {
    uid: `${addon.arn} ${addon.podIdentityAssociations.join()}`,
  });

/** Pods roll when an add-on settles and when they are restarted, and take the identity that it has then. */
export function newWorld({ leftOver, world }: Case): Fakes {
  const fakes = newFakes();
  const { eks, kubernetes } = fakes;
  if (leftOver) eks.associations = [structuredClone(leftOver)];
  const roll = (addon: Addon): void => {
    kubernetes.pods = [podOf(addon)];
  };
  eks.onSettled = roll;
  kubernetes.onRestart = () => roll(eks.addons.get(ADDON)!);
  world?.(fakes);
  return fakes;
}

/** The pods of copies up to that one never see Pod Identity, however often they are restarted. */
const neverUpTo =
  (last: number) =>
  ({ eks, kubernetes }: Fakes): void => {
    const blind = (addon: Addon): boolean => onPodIdentity(addon) && addon.arn <= addonArn(last);
    const roll = (addon: Addon): void => {
      kubernetes.pods = [blind(addon) ? aPod('irsa') : podOf(addon)];
    };
    eks.onSettled = roll;
    kubernetes.onRestart = () => roll(eks.addons.get(ADDON)!);
  };
const keepsOldPods = ({ eks }: Fakes): void => {
  eks.onSettled = () => undefined;
};
/** The next create or update ends so, the ones after it well. */
const endsOnceIn =
  (status: Addon['status']) =>
  ({ eks }: Fakes): void => {
    eks.endsIn = status;
    const settled = eks.onSettled;
    eks.onSettled = (addon) => {
      eks.endsIn = 'ACTIVE';
      settled(addon);
    };
  };
/** Requests a cancel while the call is running. */
const cancelledAt =
  (call: 'describeCluster' | 'createAddon' | 'updateAddon') =>
  ({ eks, ledger }: Fakes): void => {
    const inner = eks[call].bind(eks) as (...args: unknown[]) => Promise<unknown>;
    const cancelling = async (...args: unknown[]): Promise<unknown> => {
      const answer = await inner(...args);
      await ledger.requestCancel(MIGRATION_ID, { requestedAt: at(1) });
      return answer;
    };
    Object.assign(eks, { [call]: cancelling });
  };

/** Its role knows IRSA alone, and EKS takes no association with such a role. */
const irsaAlone =
  (then: (fakes: Fakes) => void = () => undefined) =>
  (fakes: Fakes): void => {
    const { eks, roles, settings, clock } = fakes;
    roles.trust[ROLE] = BEFORE;
    settings.repairableRoleArns = [ROLES_OF_ACCOUNT];
    let writtenAt = 0;
    const write = roles.updateTrustPolicy.bind(roles);
    roles.updateTrustPolicy = async (...args) => {
      writtenAt = clock.now();
      return write(...args);
    };
    for (const call of ['createAddon', 'updateAddon'] as const) {
      const inner = eks[call].bind(eks) as (request: object) => Promise<unknown>;
      const judging = async (request: { podIdentityAssociations?: unknown[] }): Promise<unknown> => {
        const seen = clock.now() - writtenAt > SEEN_AFTER ? roles.trust[ROLE] : BEFORE;
        if (request.podIdentityAssociations?.length && seen === BEFORE)
          throw new MigrationError(
            'InvalidRequest',
            `eks:${call}: InvalidParameterException: Trust policy of the role provided is invalid`,
          );
        return inner(request);
      };
      Object.assign(eks, { [call]: judging });
    }
    then(fakes);
  };
/** Milliseconds: longer than the wait after the repair. */
const SEEN_AFTER = 30_000;
const REPAIRING = { trust: 'repair' };

const AGENT = 'eks-pod-identity-agent';
const INSTALLING = { agent: 'install' };
/** The cluster has no Pod Identity agent; its DaemonSet comes with its add-on. */
const agentless =
  (then: (fakes: Fakes) => void = () => undefined) =>
  (fakes: Fakes): void => {
    const { eks, kubernetes } = fakes;
    eks.addons.delete(AGENT);
    kubernetes.workloads = kubernetes.workloads.filter(({ name }) => name !== AGENT);
    then(fakes);
    const settled = eks.onSettled;
    eks.onSettled = (addon) => {
      if (addon.name === AGENT) kubernetes.workloads.push(agentDaemonSet());
      else settled(addon);
    };
  };

const CHAINED = anAssociation({ disableSessionTags: true, tags: { team: 'storage' } });
const SLOW = ({ eks }: Fakes): void => {
  eks.deleteShowsAfter = 8000;
  eks.keyFreedAfter = 8000;
};

type Rest = Omit<Case, 'name' | 'outcome'>;
const ends = (outcome: Outcome, name: string, rest: Rest = {}): Case => ({ name, outcome, ...rest });

export const cases: Case[] = [
  ends('migrated', 'in place, by default', {
    copies: { removed: [], made: [] },
    lines: ['plan', 'begin', 'update-addon', 'await-active', 'carry-over', 'verify-pods', 'confirm-ready', 'finish'],
  }),
  ends('migrated', 'in place over a chained left-over', { leftOver: CHAINED, world: SLOW }),
  ends('migrated', 'in place where the role stays', {
    keepsRole: true,
    world: ({ eks }) => void (eks.keepsRole = true),
  }),
  ends('migrated', 'recreated', {
    request: { strategy: 'recreate', maxDisruption: 'outage' },
    copies: { removed: [FIRST], made: [SECOND] },
    world: SLOW,
  }),
  ends('migrated', 'recreated over a chained left-over', {
    request: { strategy: 'recreate', maxDisruption: 'outage' },
    leftOver: CHAINED,
  }),
  ends('migrated', 'recreated with preserve, pods that need a restart', {
    request: { strategy: 'recreate', preserve: true },
    leftOver: anAssociation(),
    world: keepsOldPods,
  }),
  ends('migrated', 'auto, with a second attempt', {
    leftOver: CHAINED,
    world: neverUpTo(1),
    copies: { removed: [FIRST], made: [SECOND] },
    lines: [
      'verify-pods restart-pods delete-addon.2 await-deleted.2',
      'create-addon.2 await-active.2 carry-over.2 verify-pods.2',
    ].flatMap((some) => some.split(' ')),
  }),
  ends('migrated', 'auto, up to the attempt with an outage', {
    request: { maxDisruption: 'outage' },
    world: neverUpTo(2),
    copies: { removed: [FIRST, SECOND], made: [SECOND, THIRD] },
    lines: ['restart-pods.2', 'verify-pods.3'],
  }),
  ends('migrated', 'in place, its trust repaired', {
    request: REPAIRING,
    world: irsaAlone(),
    trust: REPAIR.after,
    lines: ['begin', 'repair-trust', 'update-addon'],
  }),
  ends('migrated', 'recreated, its trust repaired', {
    request: { ...REPAIRING, strategy: 'recreate', maxDisruption: 'outage' },
    world: irsaAlone(SLOW),
    trust: REPAIR.after,
  }),
  ends('migrated', 'in place, the agent installed first', {
    request: INSTALLING,
    world: agentless(),
    installsAgent: true,
    lines: ['begin', 'install-agent', 'update-addon'],
  }),

  ends('rolled-back', 'an installed agent, and pods that never take it', {
    request: { ...INSTALLING, strategy: 'in-place' },
    world: agentless(neverUpTo(9)),
    installsAgent: true,
    lines: ['install-agent', 'verify-restored'],
  }),
  ends('blocked', 'an agent that is not installed unless it is asked for', { world: agentless() }),
  ends('rolled-back', 'a repaired trust, and an update that fails', {
    request: REPAIRING,
    world: irsaAlone(endsOnceIn('UPDATE_FAILED')),
    trust: BEFORE,
    lines: ['repair-trust', 'verify-restored', 'restore-trust'],
  }),
  ends('rolled-back', 'a cancel while the trust is repaired', {
    request: REPAIRING,
    world: irsaAlone(cancelledAt('updateAddon')),
    trust: BEFORE,
  }),
  ends('blocked', 'a trust that is not repaired unless it is asked for', { world: irsaAlone(), trust: BEFORE }),
  ends('rolled-back', 'an update that fails', {
    leftOver: CHAINED,
    world: endsOnceIn('UPDATE_FAILED'),
    lines: ['restore-addon-update', 'verify-restored'],
  }),
  ends('rolled-back', 'a create that fails', {
    request: { strategy: 'recreate', maxDisruption: 'outage' },
    leftOver: CHAINED,
    world: endsOnceIn('CREATE_FAILED'),
    lines: ['restore-addon-delete', 'restore-addon-create'],
  }),
  ends('rolled-back', 'pods that never take it, in place', { request: { strategy: 'in-place' }, world: neverUpTo(9) }),
  ends('rolled-back', 'pods that never take it, on any way', { leftOver: CHAINED, world: neverUpTo(9) }),
  ends('rolled-back', 'a cancel during the update', { world: cancelledAt('updateAddon') }),
  ends('rolled-back', 'a cancel during the create', {
    request: { strategy: 'recreate', preserve: true },
    leftOver: CHAINED,
    world: cancelledAt('createAddon'),
  }),
  ends('blocked', 'a cancel before it began', { world: cancelledAt('describeCluster') }),
  ends('planned', 'a dry run', { request: { dryRun: true } }),
];

/** What an association means, whichever it is. */
const meaning = ({
  serviceAccount,
  roleArn,
  targetRoleArn,
  disableSessionTags = false,
  policy,
  tags,
}: Association): object => ({ serviceAccount, roleArn, targetRoleArn, disableSessionTags, policy, tags });

/** What must hold at the end, however it came about. */
export async function expectEnd(
  fakes: Fakes,
  { outcome, leftOver, copies, keepsRole, trust, installsAgent = false }: Case,
): Promise<void> {
  const { eks, ledger } = fakes;
  const record = (await ledger.getMigration(MIGRATION_ID))!;
  expect(record).toMatchObject({ outcome, status: 'ended', restoreCommands: [], ...copies });
  expect(record.warnings.map((one) => one.id)).toEqual(
    keepsRole ? ['irsa-role-still-set'] : installsAgent ? ['agent-left-installed'] : [],
  );
  expect(fakes.journal.of('eks.createAddon').some(([request]) => (request as CreateAddonRequest).addon === AGENT)).toBe(
    installsAgent,
  );
  const trustNow = fakes.roles.trust[ROLE];
  expect(trustNow).toBe(trust ?? trustNow);
  expect(record.trustChanges.filter((one) => one.undoneAt === undefined)).toHaveLength(trust === REPAIR.after ? 1 : 0);
  const addon = (await eks.describeAddon(ADDON))!;
  expect(addon.status).toBe('ACTIVE');
  const migrated = outcome === 'migrated';
  expect(addon.serviceAccountRoleArn).toBe(migrated && !keepsRole ? undefined : ROLE);
  // What the old one had goes with the new one, or is there again.
  const expected = leftOver ?? (migrated ? anAssociation({ serviceAccount: SERVICE_ACCOUNT }) : undefined);
  expect(eks.associations.map(meaning)).toEqual(expected ? [meaning(expected)] : []);
  expect(eks.associations.map((one) => one.ownerArn)).toEqual(expected ? [migrated ? addon.arn : undefined] : []);
  const identities = migrated ? ['pod-identity'] : outcome === 'rolled-back' ? ['irsa'] : [];
  expect(record.verified).toBe(migrated ? 'ready' : identities.length > 0 ? 'injected' : 'none');
  const seen = (await ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).map((pod) => pod.identity);
  // A fault may have had the association of before come back first, and new pods take it then.
  const isAsBefore = outcome === 'rolled-back' && leftOver !== undefined && seen.join() === 'pod-identity';
  expect(isAsBefore ? ['irsa'] : seen).toEqual(identities);
  for (const lock of [ADDON_LOCK, ROLE_LOCK])
    expect(await ledger.acquireLock(lock, otherHolder(at(0)))).toMatchObject({ acquired: true });
}

/** In long workflows the same reads come again and again; `npm run simulate` injects a fault at each. */
const LONG = 80;
/** The migration of a case, for the contract of faults. */
export const workflowOf = (one: Case): Workflow => ({
  prepare: () => newWorld(one),
  request: one.request,
  outcome: one.outcome,
  strikes: (fault, length) =>
    !isRead(fault) || (fault.kind === 'before' && (length <= LONG || fault.position % 3 === 0)),
  expectEnd: (fakes) => expectEnd(fakes, one),
});

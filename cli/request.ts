/** Converts flags to the request for the service, and back to the command to type. */
import { type StackFlags, stackWords } from './stack-options.ts';
import { migrationRequest, type MigrationRequest } from '../lambdas/domain/request/request.ts';
import type { Target } from '../lambdas/domain/terms/subject.ts';
import { shellWord } from '../lambdas/domain/text/shell.ts';
import { type CommonFlags, type MigrationFlags, PROGRAM, type WorkloadFlags, WORKLOAD_COMMAND } from './options.ts';
import { type WaitFlags, windowFrom } from './wait-fields.ts';

type AskedOfAll = Partial<
  Pick<
    CommonFlags,
    | 'maxDisruption'
    | 'maxDurationMinutes'
    | 'roleArn'
    | 'trust'
    | 'accept'
    | 'iac'
    | 'verification'
    | 'agent'
    | 'reason'
    | 'dryRun'
  >
> &
  Partial<WaitFlags>;
type Asked = AskedOfAll &
  Pick<MigrationFlags, 'addon' | 'strategy'> &
  Partial<Pick<MigrationFlags, 'preserve' | 'role' | 'resolveConflicts'>>;
type AskedOfWorkload = AskedOfAll & Pick<WorkloadFlags, 'namespace' | 'serviceAccount' | 'annotation'>;

const fieldsOfAll = ({
  maxDisruption,
  maxDurationMinutes,
  roleArn,
  trust,
  accept = [],
  iac,
  verification,
  agent,
  approval,
  approvalHours,
  reason,
  dryRun,
  ...waits
}: AskedOfAll) => ({
  ...(maxDisruption ? { maxDisruption } : {}),
  ...(maxDurationMinutes === undefined ? {} : { maxDurationMinutes }),
  ...(roleArn ? { roleArn } : {}),
  ...(trust ? { trust } : {}),
  accept,
  ...(iac ? { iac } : {}),
  ...(verification ? { verification } : {}),
  ...(agent ? { agent } : {}),
  ...(approval ? { approval } : {}),
  ...(approvalHours === undefined ? {} : { approvalHours }),
  ...windowFrom(waits),
  ...(reason ? { reason } : {}),
  ...(dryRun ? { dryRun } : {}),
});

export const requestFrom = (
  { addon, strategy, preserve, role = [], resolveConflicts, ...all }: Asked,
  target: Target,
  requestedBy: string,
): MigrationRequest =>
  migrationRequest.parse({
    target,
    addon,
    strategy,
    ...(preserve ? { preserve } : {}),
    ...(resolveConflicts ? { resolveConflicts } : {}),
    roles: Object.fromEntries(role),
    ...fieldsOfAll(all),
    requestedBy,
  });

export const workloadRequestFrom = (
  { namespace, serviceAccount, annotation, ...all }: AskedOfWorkload,
  target: Target,
  requestedBy: string,
): MigrationRequest =>
  migrationRequest.parse({
    target,
    serviceAccount: { namespace, name: serviceAccount },
    annotation,
    ...fieldsOfAll(all),
    requestedBy,
  });

/** Returns the flags that select where the command runs, as they were given. */
export const backendFlags = ({
  sandbox,
  state,
  deployed,
  ...located
}: Partial<Pick<MigrationFlags, 'sandbox' | 'state' | 'deployed'>> & Omit<StackFlags, 'region'>): string[] => [
  ...(sandbox === undefined ? [] : [`--sandbox ${shellWord(sandbox)}`]),
  ...(state === undefined ? [] : [`--state ${shellWord(state)}`]),
  ...(deployed ? ['--deployed', ...stackWords(located)] : []),
];

const backendText = ({ account, region }: CommonFlags): string[] => [
  ...(account ? [`--account ${account}`] : []),
  ...(region ? [`--region ${region}`] : []),
];

const wordsOfWaits = ({
  approval,
  approvalHours,
  approveAs,
  window,
  windowMinutes,
  windowZone,
  windowWaitHours,
}: WaitFlags): string[] => [
  ...(approval === 'none' ? [] : [`--approval ${approval}`]),
  ...(approvalHours === undefined ? [] : [`--approval-hours ${approvalHours}`]),
  ...(approveAs === undefined ? [] : [`--approve-as ${shellWord(approveAs)}`]),
  ...(window === undefined ? [] : [`--window ${shellWord(window)}`]),
  ...(windowMinutes === undefined ? [] : [`--window-minutes ${windowMinutes}`]),
  ...(windowZone === undefined ? [] : [`--window-zone ${windowZone}`]),
  ...(windowWaitHours === undefined ? [] : [`--window-wait-hours ${windowWaitHours}`]),
];

const wordsOfAll = (given: CommonFlags): string[] => [
  ...(given.maxDurationMinutes === undefined ? [] : [`--max-duration-minutes ${given.maxDurationMinutes}`]),
  ...(given.trust === 'validate' ? [] : [`--trust ${given.trust}`]),
  ...(given.verification === 'ready' ? [] : [`--verification ${given.verification}`]),
  ...(given.agent === 'require' ? [] : [`--agent ${given.agent}`]),
  ...wordsOfWaits(given),
  ...(given.iac ? [`--iac ${given.iac}`] : []),
  ...acceptOptions(given),
  ...(given.reason ? [`--reason ${shellWord(given.reason)}`] : []),
  ...(given.seed === undefined ? [] : [`--seed ${given.seed}`]),
  ...backendFlags(given),
];

/** Returns the options that accept the same, each with its value. */
export const acceptOptions = ({ accept }: { accept: readonly string[] }): string[] =>
  accept.map((entry) => `--accept ${shellWord(entry)}`);

const maxDisruptionWords = ({ maxDisruption }: CommonFlags): string[] =>
  maxDisruption ? [`--max-disruption ${maxDisruption}`] : [];
const roleArnWords = ({ roleArn }: CommonFlags): string[] => (roleArn ? [`--role-arn ${roleArn}`] : []);

/** Returns the `migrate` command that carries out a plan. */
export const migrateCommand = (given: MigrationFlags): string =>
  [
    `${PROGRAM} migrate`,
    `--cluster ${given.cluster}`,
    `--addon ${given.addon}`,
    ...backendText(given),
    ...(given.strategy === 'auto' ? [] : [`--strategy ${given.strategy}`]),
    ...(given.preserve ? ['--preserve'] : []),
    ...maxDisruptionWords(given),
    ...(given.resolveConflicts ? [`--resolve-conflicts ${given.resolveConflicts}`] : []),
    ...roleArnWords(given),
    ...given.role.map(([serviceAccount, arn]) => `--role ${serviceAccount}=${arn}`),
    ...wordsOfAll(given),
  ].join(' ');

/** Returns the `migrate-workload` command that carries out a plan. */
export const migrateWorkloadCommand = (given: WorkloadFlags): string =>
  [
    `${PROGRAM} ${WORKLOAD_COMMAND}`,
    `--cluster ${given.cluster}`,
    `--namespace ${given.namespace}`,
    `--service-account ${given.serviceAccount}`,
    ...backendText(given),
    ...(given.annotation === 'keep' ? [] : [`--annotation ${given.annotation}`]),
    ...maxDisruptionWords(given),
    ...roleArnWords(given),
    ...wordsOfAll(given),
  ].join(' ');

/** The same flags without what only a change waits for, which a plan has no options for. */
const unwaited = <Flags extends CommonFlags>(flags: Flags): Flags => ({
  ...flags,
  approval: 'none',
  approvalHours: undefined,
  approveAs: undefined,
  window: undefined,
  windowMinutes: undefined,
  windowZone: undefined,
  windowWaitHours: undefined,
});

/** Returns the command that prints the plan of the same migration with its hand-off. */
export const prepareCommand = (given: MigrationFlags | WorkloadFlags): string => {
  const command = 'addon' in given ? migrateCommand(unwaited(given)) : migrateWorkloadCommand(unwaited(given));
  return `${command.replace(/ migrate(?:-workload)? /, ' plan ')} --hand-off`;
};

/** Returns a command about one migration or sweep. */
export const knownCommand = (
  command:
    | 'approve'
    | 'rollback'
    | 'release'
    | 'cancel'
    | 'hand-off'
    | 'reject'
    | 'retire'
    | 'show'
    | 'sweep show'
    | 'sweep stop'
    | 'sweep resume'
    | 'sweep report',
  id: string,
  where: Parameters<typeof backendFlags>[0],
): string => [`${PROGRAM} ${command} ${id}`, ...backendFlags(where)].join(' ');

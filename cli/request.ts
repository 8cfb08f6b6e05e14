/** From flags to what the service is asked for, and back to what one would type. */
import { migrationRequest, type MigrationRequest, type Target } from '../lambdas/domain/model.ts';
import { type MigrationFlags, PROGRAM } from './options.ts';

type Asked = Pick<MigrationFlags, 'addon' | 'strategy'> & Partial<Pick<MigrationFlags, 'preserve' | 'maxDisruption' | 'roleArn' | 'role' | 'trust' | 'acceptKey' | 'resolveConflicts' | 'verification' | 'agent' | 'reason' | 'dryRun'>>;

export const requestFrom = ({ addon, strategy, preserve, maxDisruption, roleArn, role = [], trust, acceptKey = [], resolveConflicts, verification, agent, reason, dryRun }: Asked, target: Target, requestedBy: string): MigrationRequest =>
  migrationRequest.parse({
    target,
    addon,
    strategy,
    ...(preserve ? { preserve } : {}),
    ...(maxDisruption ? { maxDisruption } : {}),
    ...(resolveConflicts ? { resolveConflicts } : {}),
    ...(roleArn ? { roleArn } : {}),
    roles: Object.fromEntries(role),
    ...(trust ? { trust } : {}),
    acceptedKeys: acceptKey,
    ...(verification ? { verification } : {}),
    ...(agent ? { agent } : {}),
    ...(reason ? { reason } : {}),
    ...(dryRun ? { dryRun } : {}),
    requestedBy,
  });

/** For a shell: as it is where nothing in it means anything to one, else quoted. */
export const shellWord = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`);

/** The flags that say where, as they were given. */
export const placeFlags = ({ sandbox, state, deployed }: Partial<Pick<MigrationFlags, 'sandbox' | 'state' | 'deployed'>>): string[] => [
  ...(sandbox === undefined ? [] : [`--sandbox ${shellWord(sandbox)}`]),
  ...(state === undefined ? [] : [`--state ${shellWord(state)}`]),
  ...(deployed ? ['--deployed'] : []),
];

/** The `migrate` command that carries a plan out, as it would be typed. */
export const migrateCommand = (given: MigrationFlags): string =>
  [
    `${PROGRAM} migrate`,
    `--cluster ${given.cluster}`,
    `--addon ${given.addon}`,
    ...(given.account ? [`--account ${given.account}`] : []),
    ...(given.region ? [`--region ${given.region}`] : []),
    ...(given.strategy === 'auto' ? [] : [`--strategy ${given.strategy}`]),
    ...(given.preserve ? ['--preserve'] : []),
    ...(given.maxDisruption ? [`--max-disruption ${given.maxDisruption}`] : []),
    ...(given.resolveConflicts ? [`--resolve-conflicts ${given.resolveConflicts}`] : []),
    ...(given.roleArn ? [`--role-arn ${given.roleArn}`] : []),
    ...given.role.map(([serviceAccount, arn]) => `--role ${serviceAccount}=${arn}`),
    ...(given.trust === 'validate' ? [] : [`--trust ${given.trust}`]),
    ...(given.verification === 'pods' ? [] : [`--verification ${given.verification}`]),
    ...(given.agent === 'require' ? [] : [`--agent ${given.agent}`]),
    ...given.acceptKey.map((key) => `--accept-key ${shellWord(key)}`),
    ...(given.reason ? [`--reason ${shellWord(given.reason)}`] : []),
    ...(given.seed === undefined ? [] : [`--seed ${given.seed}`]),
    ...placeFlags(given),
  ].join(' ');

/** A command about one migration, as it would be typed. */
export const knownCommand = (command: 'rollback' | 'cancel' | 'retire' | 'show', migrationId: string, where: Parameters<typeof placeFlags>[0]): string =>
  [`${PROGRAM} ${command} ${migrationId}`, ...placeFlags(where)].join(' ');

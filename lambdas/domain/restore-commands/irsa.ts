/**
 * The restore commands of a rollback that stopped because IRSA no longer works. Options: AWS CLI command reference,
 * `aws iam create-open-id-connect-provider` and `add-client-id-to-open-id-connect-provider`.
 */
import { clusterArn, oidcProviderArn, parseRoleArn } from '../aws/arn.ts';
import type { Migration, Snapshot } from '../record/migration.ts';
import { evaluateIrsa, parsePolicy, TOKEN_AUDIENCE } from '../policy/index.ts';
import { seenIn } from '../terms/seen.ts';
import type { IrsaFacts, IrsaProblem } from '../rollback/irsa.ts';
import { ifWanted, note, option, shellCommand } from '../text/shell.ts';
import { limitFor } from '../trust/size.ts';
import { readTrust, sameJson, sidsOf, textsOf, writeStatements } from '../trust/statements.ts';
import { endLines } from './lines.ts';
import { updateTrustLine } from './trust.ts';

export interface IrsaCommandsFacts {
  record: Pick<Migration, 'migrationId' | 'retirements'>;
  snapshot: Pick<Snapshot, 'trustPolicies'>;
  facts: IrsaFacts;
  problems: readonly IrsaProblem[];
}

type TrustProblem = Extract<IrsaProblem, { is: 'no-trust' }>;

/**
 * Returns the current trust policy with the statements for web identities that it had before the migration and lacks
 * now; undefined if they would not make IRSA work, or if IAM would not store them.
 */
function restoredTrust(
  before: string | undefined,
  current: string | undefined,
  { target, issuer, roleArn }: IrsaFacts,
  { accounts }: TrustProblem,
): string | undefined {
  const oidcIssuer = seenIn(issuer);
  if (before === undefined || current === undefined || oidcIssuer === undefined) return undefined;
  const [was, is] = [readTrust(before), readTrust(current)];
  if (!was.readable || !is.readable) return undefined;
  const taken = sidsOf(is.statements);
  const missing = was.statements
    .filter((one) => textsOf(one['Action']).some((action) => action.toLowerCase() === 'sts:assumerolewithwebidentity'))
    .filter((one) => !is.statements.some((other) => sameJson(one, other)))
    .map(({ Sid, ...one }) =>
      Sid === undefined || textsOf(Sid).some((sid) => taken.has(sid)) ? one : { Sid, ...one },
    );
  const document = writeStatements(is.document, [...is.statements, ...missing]);
  const policy = parsePolicy(document, 'trust');
  const roleAccount = parseRoleArn(roleArn)?.account ?? target.account;
  const works = accounts.every(
    (one) =>
      evaluateIrsa(policy, { ...one, clusterArn: clusterArn(target), oidcIssuer, roleAccount }).verdict === 'allowed',
  );
  return works && document.length <= limitFor(Math.max(is.length, was.length)) ? document : undefined;
}

function trustCommands({ record, snapshot, facts }: IrsaCommandsFacts, problem: TrustProblem): string[] {
  const { target, roleArn, trustPolicy } = facts;
  const retired = record.retirements.some(
    (one) => one.roleArn === roleArn && one.writtenAt !== undefined && one.undoneAt === undefined,
  );
  if (retired)
    return [
      note`The OIDC statement of role ${roleArn} was retired. The next line restores it.`,
      shellCommand(['pod-identity', 'retire', record.migrationId, '--undo', '--apply']),
    ];
  const before = snapshot.trustPolicies[roleArn];
  const document = restoredTrust(before, seenIn(trustPolicy), facts, problem);
  if (document !== undefined)
    return [
      note`The trust policy of role ${roleArn} has lost statements for IRSA since the migration began. The next line restores them, and keeps all others.`,
      updateTrustLine(roleArn, document, target),
    ];
  return [
    note`The trust policy of role ${roleArn} does not certainly allow IRSA for the pods. Restore what it needs by hand. The policy from before the migration is in the next line, without the colon, which overwrites every later change.`,
    ...(before === undefined ? [] : [ifWanted(updateTrustLine(roleArn, before, target))]),
  ];
}

/** Returns the lines that make IRSA work again. */
export function irsaCommands(all: IrsaCommandsFacts): string[] {
  const { snapshot, facts, problems } = all;
  const { target, roleArn, issuer } = facts;
  const url = seenIn(issuer);
  const iam = (operation: string, ...groups: string[][]): string =>
    shellCommand(['aws', 'iam', operation, '--region', target.region], ...groups);
  return problems.flatMap((problem): string[] => {
    switch (problem.is) {
      case 'no-issuer':
        return [note`EKS shows no OIDC issuer for cluster ${target.cluster}: pods cannot use IRSA.`];
      case 'no-provider':
        return [
          note`IAM has no OIDC provider for the issuer of cluster ${target.cluster}. The next line creates it.`,
          iam('create-open-id-connect-provider', ['--url', url ?? ''], ['--client-id-list', TOKEN_AUDIENCE]),
        ];
      case 'no-audience':
        return [
          note`The OIDC provider of cluster ${target.cluster} lacks an audience. The next line adds it.`,
          iam(
            'add-client-id-to-open-id-connect-provider',
            ['--open-id-connect-provider-arn', oidcProviderArn(target, url ?? '')],
            ['--client-id', TOKEN_AUDIENCE],
          ),
        ];
      case 'no-role': {
        const before = snapshot.trustPolicies[roleArn];
        return [
          note`Role ${roleArn} no longer exists. Create it again with its path, policies and tags; the next line, without the colon, has only its former trust policy.`,
          ...(before === undefined
            ? []
            : [
                ifWanted(
                  iam(
                    'create-role',
                    ['--role-name', parseRoleArn(roleArn)?.name ?? roleArn],
                    option('--assume-role-policy-document', before),
                  ),
                ),
              ]),
        ];
      }
      case 'no-trust':
        return trustCommands(all, problem);
    }
  });
}

/** Returns the lines after IrsaNotWorking. `all` is absent if it is not known what no longer works. */
export const irsaRestoreCommands = (migrationId: string, all?: IrsaCommandsFacts): string[] => [
  note`The rollback stopped, and did not delete the associations: pods on EKS Pod Identity have credentials through them. To stay on it, use the command release below.`,
  ...(all ? irsaCommands(all) : []),
  ...endLines(migrationId),
];

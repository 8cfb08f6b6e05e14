/** Reads whether IRSA works, before a rollback takes EKS Pod Identity from the pods (ADR 111). */
import { acceptedNames } from '../../domain/acceptance/accept.ts';
import { oidcProviderArn, parseRoleArn } from '../../domain/aws/arn.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { hadIrsa } from '../../domain/rollback/former-pods.ts';
import {
  type IrsaFacts,
  type IrsaJudged,
  IRSA_NOT_READ,
  irsaNotRead,
  judgeIrsa,
  workedBefore,
} from '../../domain/rollback/irsa.ts';
import { irsaRoleOf } from '../../domain/verification/irsa.ts';
import type { Migration, Snapshot } from '../../domain/record/migration.ts';
import type { Target } from '../../domain/terms/subject.ts';
import { seenIn } from '../../domain/terms/seen.ts';
import { irsaCommands, irsaRestoreCommands } from '../../domain/restore-commands/irsa.ts';
import { nameOf, type ServiceAccountUse } from '../../domain/trust/statements.ts';
import type { Clock, Eks, Ledger, Roles } from '../../ports/index.ts';
import { advisory } from '../facts/refused-reads.ts';
import { readUntilSure } from '../confirmed/reads.ts';
import { EVIDENCE_BEFORE } from '../migration/report.ts';

interface IrsaReader {
  eks: Pick<Eks, 'describeCluster'>;
  roles: Pick<Roles, 'getRole' | 'getOidcProvider'>;
}

/**
 * Reads what IRSA depends on. Reads that are refused are part of the answer; others are retried as always. The provider
 * of a role in another account is in that account, and is not read.
 */
export async function readIrsa(roleArn: string, target: Target, { eks, roles }: IrsaReader): Promise<IrsaFacts> {
  const issuer = await advisory(async () => (await eks.describeCluster())?.oidcIssuer);
  const url = seenIn(issuer);
  const isForeign = parseRoleArn(roleArn)?.account !== target.account;
  const trustPolicy = await advisory(async () => (await roles.getRole(roleArn))?.trustPolicy);
  return {
    target,
    roleArn,
    issuer,
    ...(url === undefined || isForeign
      ? {}
      : {
          audiences: await advisory(async () => (await roles.getOidcProvider(oidcProviderArn(target, url)))?.clientIds),
        }),
    trustPolicy:
      isForeign && 'seen' in trustPolicy && trustPolicy.seen === undefined
        ? { error: `role ${roleArn} is in another account` }
        : trustPolicy,
  };
}

interface IrsaWork extends IrsaReader {
  record: Migration;
  snapshot: Snapshot;
  ledger: Pick<Ledger, 'getEvidence'>;
  clock: Clock;
}

export interface IrsaOfRollback extends IrsaJudged {
  facts: IrsaFacts;
}

/**
 * Evaluates IRSA for those of the service accounts that return to it, and for which it worked before the migration.
 * Undefined if there are none. A problem is believed only after several reads, since IAM is eventually consistent.
 */
export async function irsaOfRollback(
  accounts: readonly ServiceAccountUse[],
  { record, snapshot, eks, roles, ledger, clock }: IrsaWork,
): Promise<IrsaOfRollback | undefined> {
  const { target } = record.request;
  const roleArn = irsaRoleOf(snapshot);
  if (roleArn === undefined || accounts.length === 0) return undefined;
  const before = await ledger.getEvidence(record.migrationId, EVIDENCE_BEFORE);
  const returning = workedBefore(accounts, snapshot).filter(({ namespace, serviceAccount }) => {
    const had = before.filter((pod) => pod.namespace === namespace && pod.serviceAccount === serviceAccount);
    // Where no pod was seen, a former association shows that the pods return to that.
    if (had.length === 0)
      return !snapshot.associations.some((one) => nameOf(one) === nameOf({ namespace, serviceAccount }));
    return had.some((pod) => hadIrsa(pod, snapshot));
  });
  if (returning.length === 0) return undefined;
  const read = async (): Promise<IrsaOfRollback> => {
    const facts = await readIrsa(roleArn, target, { eks, roles });
    return { facts, ...judgeIrsa(facts, returning, acceptedNames(record.request, 'condition-key')) };
  };
  return readUntilSure(clock, read, ({ problems }) => problems.length === 0);
}

/** Returns a sentence with the commands that make IRSA work again. */
export const irsaRemedy = (record: Migration, snapshot: Snapshot, { facts, problems }: IrsaOfRollback): string =>
  irsaCommands({ record, snapshot, facts, problems })
    .filter((line) => !line.startsWith(':'))
    .join(' ; ');

/**
 * Throws IrsaNotWorking if IRSA no longer works for the service accounts, so that their associations stay, and records
 * the restore commands. If that can't be read, the rollback goes on with a warning.
 */
export async function assertIrsaWorks(
  accounts: readonly ServiceAccountUse[],
  work: Omit<IrsaWork, 'ledger'> & { ledger: Ledger },
): Promise<void> {
  const { record, snapshot, ledger } = work;
  const { migrationId, warnings } = record;
  const judged = await irsaOfRollback(accounts, work);
  if (!judged) return;
  const { facts, problems, unread } = judged;
  if (problems.length > 0) {
    const remedy = irsaRemedy(record, snapshot, judged);
    await ledger.updateMigration(migrationId, {
      restoreCommands: irsaRestoreCommands(migrationId, { record, snapshot, facts, problems }),
    });
    throw new MigrationError(
      'IrsaNotWorking',
      `The rollback stopped, and did not delete the associations: pods can't use IRSA any more, although they did before the migration: ${problems.map(({ text }) => text).join('; ')}. Pods on EKS Pod Identity keep it. ${remedy === '' ? 'Restore IRSA as the restore commands describe' : `Restore IRSA: ${remedy}`} ; then run: pod-identity rollback ${migrationId}`,
    );
  }
  if (unread.length > 0 && warnings.every(({ id }) => id !== IRSA_NOT_READ))
    await ledger.updateMigration(migrationId, { warnings: [...warnings, irsaNotRead(facts.roleArn, unread)] });
}

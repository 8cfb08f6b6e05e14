import { MigrationError } from '../domain/failures/errors.ts';
import type { Ledger, MigrationFile } from '../ports/index.ts';
import { isRead, LEDGER_KINDS } from '../ports/kinds.ts';

type LedgerWrite = {
  [Name in keyof Ledger]: (typeof LEDGER_KINDS)[Name] extends 'write' ? Name : never;
}[keyof Ledger];
/** The writes that change what `getFile` reads. */
const WRITES: ReadonlySet<PropertyKey> = new Set<LedgerWrite>([
  'putMigration',
  'recordPlan',
  'noteAttempt',
  'recordRecovery',
  'changeRollback',
  'changeRetirement',
  'updateMigration',
  'recordAssociation',
  'recordCopy',
  'recordAnnotation',
  'recordTrustChange',
  'recordRetirement',
  'noteWait',
  'endWait',
  'requestCancel',
  'putApproval',
  'decideApproval',
  'putSnapshot',
]);

/**
 * Returns the ledger of one invocation: a migration's file is read once, and again after the invocation itself has written
 * to it. All other calls pass through; in particular, the locks are read each time. Once the invocation's time is up, a
 * write throws OutOfTime, since another invocation may have written by then.
 */
export function rememberedLedger(ledger: Ledger, remainingTime: () => number): Ledger {
  const files = new Map<string, Promise<MigrationFile>>();
  const fileOf = (migrationId: string): Promise<MigrationFile> => {
    const file = files.get(migrationId) ?? ledger.getFile(migrationId);
    files.set(migrationId, file);
    // A failed read is repeated.
    file.catch(() => files.delete(migrationId));
    return file;
  };
  const reads: Pick<Ledger, 'getFile' | 'getMigration' | 'getSnapshot' | 'getCancel'> = {
    getFile: fileOf,
    getMigration: async (migrationId) => (await fileOf(migrationId)).migration,
    getSnapshot: async (migrationId) => (await fileOf(migrationId)).snapshot,
    getCancel: async (migrationId) => (await fileOf(migrationId)).cancel,
  };
  return new Proxy(ledger, {
    get: (inner, name) => {
      if (Object.hasOwn(reads, name)) return Reflect.get(reads, name) as unknown;
      const member: unknown = Reflect.get(inner, name);
      if (typeof member !== 'function') return member;
      return async (...parameters: unknown[]): Promise<unknown> => {
        if (WRITES.has(name)) files.clear();
        if (!isRead(LEDGER_KINDS, name) && remainingTime() <= 0)
          throw new MigrationError(
            'OutOfTime',
            'The time of this invocation is up, so it may not write to the ledger. The state machine repeats the step.',
          );
        try {
          return (await Reflect.apply(member, inner, parameters)) as unknown;
        } finally {
          // If the reply was lost, it is unknown whether the write had an effect.
          if (WRITES.has(name)) files.clear();
        }
      };
    },
  });
}

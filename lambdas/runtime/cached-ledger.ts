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
 * The ledger of one invocation: a migration's file is read once, and again after the invocation itself has written to
 * it. Everything else goes through, the locks above all: those are read anew each time. Once the invocation's time is
 * up it writes nothing more, since another one may have written since: OutOfTime.
 */
export function rememberedLedger(ledger: Ledger, remainingTime: () => number): Ledger {
  const files = new Map<string, Promise<MigrationFile>>();
  const fileOf = (migrationId: string): Promise<MigrationFile> => {
    const file = files.get(migrationId) ?? ledger.getFile(migrationId);
    files.set(migrationId, file);
    // What could not be read is asked for again.
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
            'The time of this invocation is up: it writes nothing more into the ledger.',
          );
        try {
          return (await Reflect.apply(member, inner, parameters)) as unknown;
        } finally {
          // Whether it had its effect is not known where its reply was lost.
          if (WRITES.has(name)) files.clear();
        }
      };
    },
  });
}

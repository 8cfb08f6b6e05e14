/** Opens the clients that record a cluster: with the caller's credentials in AWS, with the operator's in a sandbox. */
import { systemClock } from '../../lambdas/adapters/system.ts';
import { openAws, sayReading } from '../aws/session.ts';
import { sandboxChoice } from '../backend-options.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { openForMigration } from '../open-backend.ts';
import { sandboxOf } from '../sandbox-of.ts';
import type { RecordFlags } from './options.ts';
import { Reader } from './reader.ts';

const recordInAws = async <T>(flags: RecordFlags, io: Io, record: (reader: Reader) => Promise<T>): Promise<T> => {
  const { cluster, account } = flags;
  const session = await openAws(flags);
  try {
    const { caller, region, clients } = session;
    if (account !== undefined && account !== caller.account)
      throw new CliError(
        'OtherAccount',
        `the credentials belong to account ${caller.account} (${caller.arn}), not to --account ${account}`,
        'Use credentials of that account (--profile), or omit --account',
      );
    sayReading(session, io);
    const target = { account: caller.account, region, cluster };
    const progress = progressOn(io);
    return await record(new Reader({ clients, clock: systemClock, target, progress }));
  } finally {
    session.close();
  }
};

/** Shows progress only at a terminal: in a log it would only be noise. */
const progressOn =
  ({ stderr }: Io) =>
  (what: string): void => {
    if (stderr.isTTY === true) stderr.write(`  reading ${what}\n`);
  };

/** Opens the source that the flags select, and records there. Throws a CliError for unusable flags or credentials. */
export const withReader = async <T>(flags: RecordFlags, io: Io, record: (reader: Reader) => Promise<T>): Promise<T> => {
  const choice = sandboxChoice(flags);
  if (!choice) return recordInAws(flags, io, record);
  const { session, target } = await openForMigration(choice, flags, {
    io,
    silent: io.stderr.isTTY !== true,
    watched: false,
  });
  try {
    return await session.run((backend) => {
      const clients = sandboxOf(backend).clients(undefined, target.region);
      return record(new Reader({ clients, clock: backend.clock, target, progress: progressOn(io) }));
    });
  } finally {
    await session.close();
  }
};

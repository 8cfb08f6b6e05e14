/** Opens the clients that read the cluster: with the operator's credentials in a sandbox, with the caller's in AWS. */
import type { EKSClient } from '@aws-sdk/client-eks';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import type { Clock, TargetPorts } from '../../lambdas/ports/index.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { readInAws } from '../aws/reading.ts';
import type { Io } from '../io.ts';
import { openForMigration } from '../open-backend.ts';
import { sandboxOf } from '../sandbox-of.ts';
import { type IdentitiesFlags, backendOfIdentities } from './options.ts';

/** Clients that read one cluster. */
export interface Reader extends TargetPorts {
  target: Target;
  eksClient: EKSClient;
  iamClient: IAMClient;
  clock: Clock;
}

/** Opens the backend that the flags select, and reads there. Throws a CliError for unusable flags. */
export const withReader = async <T>(
  flags: IdentitiesFlags,
  io: Io,
  read: (reader: Reader) => Promise<T>,
): Promise<T> => {
  const choice = backendOfIdentities(flags);
  if (choice.kind === 'aws' || choice.kind === 'deployed')
    return readInAws(flags, io, ({ clients, ...reading }) =>
      read({ ...reading, eksClient: clients.eks(), iamClient: clients.iam() }),
    );
  const { session, target } = await openForMigration(choice, flags, {
    io,
    silent: flags.json && io.stderr.isTTY !== true,
    watched: false,
  });
  try {
    return await session.run((backend) => {
      const clients = sandboxOf(backend).clients(undefined, target.region);
      return read({
        target,
        eksClient: clients.eks(),
        iamClient: clients.iam(),
        clock: backend.clock,
        ...portsOf(clients, target),
      });
    });
  } finally {
    await session.close();
  }
};

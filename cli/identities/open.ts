/** Opens the clients that read the cluster: with the operator's credentials in a sandbox, with the caller's in AWS. */
import { EKSClient } from '@aws-sdk/client-eks';
import { IAMClient } from '@aws-sdk/client-iam';
import { AwsEks } from '../../lambdas/adapters/aws-eks.ts';
import { AwsRoles } from '../../lambdas/adapters/aws-roles.ts';
import { ClientFactory } from '../../lambdas/adapters/clients.ts';
import { nodeHttp } from '../../lambdas/adapters/node-http.ts';
import { systemClock } from '../../lambdas/adapters/system.ts';
import type { Target } from '../../lambdas/domain/migration/model.ts';
import type { Clock, TargetPorts } from '../../lambdas/ports/index.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { type SayOtherAccount, targetOfCaller } from '../caller.ts';
import type { Io } from '../io.ts';
import { openForMigration } from '../open-backend.ts';
import { sandboxOf } from '../sandbox-of.ts';
import type { TargetFlags } from '../target.ts';
import { type IdentitiesFlags, backendOfIdentities } from './options.ts';

/** Clients that read one cluster. */
export interface Reader extends TargetPorts {
  target: Target;
  eksClient: EKSClient;
  iamClient: IAMClient;
  clock: Clock;
}

const otherAccount: SayOtherAccount = (caller, named) => ({
  message: `the credentials belong to account ${caller.account} (${caller.arn}), not to --account ${named}`,
  hint: 'Use credentials of that account (AWS_PROFILE), or omit --account',
});

/** Reads in AWS, with the SDK's own configuration of credentials and endpoints. The clients of EKS and IAM may retry. */
const readInAws = async <T>(flags: TargetFlags, read: (reader: Reader) => Promise<T>): Promise<T> => {
  const target = await targetOfCaller(flags, process.env, otherAccount);
  const eksClient = new EKSClient({ region: target.region });
  const iamClient = new IAMClient({ region: target.region });
  const clients = new ClientFactory({ region: target.region, transport: { http: nodeHttp } });
  try {
    const { kubernetes } = portsOf(clients, target);
    return await read({
      target,
      eksClient,
      iamClient,
      clock: systemClock,
      kubernetes,
      eks: new AwsEks(eksClient, target.cluster),
      roles: new AwsRoles(iamClient),
    });
  } finally {
    for (const client of [eksClient, iamClient, clients.eks(), clients.iam()]) client.destroy();
  }
};

/** Opens the backend that the flags select, and reads there. Throws a CliError for unusable flags. */
export const withReader = async <T>(
  flags: IdentitiesFlags,
  io: Io,
  read: (reader: Reader) => Promise<T>,
): Promise<T> => {
  const choice = backendOfIdentities(flags);
  if (choice.kind === 'deployed') return readInAws(flags, read);
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

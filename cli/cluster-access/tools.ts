/** Opens the clients for a cluster in AWS, or in a sandbox, with the caller's own credentials. */
import { ClientFactory } from '../../lambdas/adapters/clients.ts';
import { eksToken } from '../../lambdas/adapters/eks-token.ts';
import { nodeHttp } from '../../lambdas/adapters/node-http.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import type { ServiceRoles } from '../../lambdas/domain/access/entries.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { type SayOtherAccount, targetOfCaller } from '../caller.ts';
import { createRbacObjects } from './api-server.ts';
import { createAccessEntries } from './eks.ts';
import { profileIn } from '../deployed.ts';
import { findService } from '../deployed-stack.ts';
import type { GrantFlags } from './options.ts';
import { readAccessEnvironment, rolesFor, rolesOfSandbox } from '../service-roles.ts';
import type { AccessTools } from './survey.ts';

/** Returns the tools. `clients`: in the target's region; `roles`: of the service, in its own account. */
const toolsOf = (clients: ClientFactory, target: Target, roles: ServiceRoles): AccessTools => {
  const client = clients.eks();
  const { eks, kubernetes } = portsOf(clients, target);
  return {
    entries: createAccessEntries(client, target),
    eks,
    kubernetes,
    rbacOf: ({ endpoint, certificateAuthority }) =>
      createRbacObjects({
        cluster: target.cluster,
        http: clients.config.transport.http,
        url: endpoint,
        certificateAuthority,
        token: async () =>
          eksToken({
            cluster: target.cluster,
            region: target.region,
            credentials: await client.config.credentials(),
            now: new Date(),
          }),
      }),
    roles: rolesFor(roles, target),
  };
};

/** Returns the tools in a sandbox, with the credentials of its operator, the administrator of its clusters. */
export const toolsInSandbox = (sandbox: Sandbox, target: Target): AccessTools =>
  toolsOf(sandbox.clients(undefined, target.region), target, rolesOfSandbox(sandbox));

const otherAccount: SayOtherAccount = (caller, named) => ({
  message: `these credentials belong to account ${caller.account} (${caller.arn}), not to ${named}`,
  hint: "Access is granted with credentials of the cluster's account: set AWS_PROFILE, or omit --account",
});

/** Opens the tools in AWS. Throws a CliError if the environment lacks the service's roles, or AWS does not know the caller. */
export const openDeployedTools = async (
  flags: GrantFlags,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ tools: AccessTools; target: Target }> => {
  const found = await findService(flags, environment, 'roles');
  const roles = readAccessEnvironment(found);
  const target = await targetOfCaller(flags, found, otherAccount);
  return {
    tools: toolsOf(
      new ClientFactory({ region: target.region, ...profileIn(found), transport: { http: nodeHttp } }),
      target,
      roles,
    ),
    target,
  };
};

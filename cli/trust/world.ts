/** Reads a role of a sandbox, in the state of its scenario or of its state file. */
import { clusterArn, parseRoleArn } from '../../lambdas/domain/aws/arn.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { buildWorld } from '../../sandbox/build/load.ts';
import type { World } from '../../sandbox/world/world.ts';
import type { Backend, SandboxBackend } from '../backend.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { openForKnown } from '../open-backend.ts';
import { openScenario } from '../open-scenario.ts';

const isSandbox = (backend: Backend): backend is SandboxBackend => 'sandbox' in backend;

export interface NamedWorld {
  /** The flag that names the sandbox, as it was given. */
  flag: string;
  world: World;
}

interface Named {
  sandbox?: string | undefined;
  state?: string | undefined;
  json: boolean;
}

/** Opens the world. Throws a CliError for an unusable scenario or state. */
export const openWorld = async ({ sandbox = '', state, json }: Named, io: Io): Promise<NamedWorld> => {
  if (state === undefined) return { flag: `--sandbox ${sandbox}`, world: buildWorld(await openScenario(sandbox)) };
  const silent = json && io.stderr.isTTY !== true;
  const session = await openForKnown(
    { kind: 'state', file: state, ...(sandbox === '' ? {} : { scenario: sandbox }) },
    { io, silent, watched: false },
  );
  try {
    return await session.run((backend) => {
      if (!isSandbox(backend)) throw new Error(`The backend of --state ${state} is no sandbox.`);
      return Promise.resolve({ flag: `--state ${state}`, world: backend.sandbox.world });
    });
  } finally {
    await session.close();
  }
};

const listed = (arns: readonly string[]): string => (arns.length === 0 ? 'none' : arns.slice(0, 20).join('\n'));

/** Returns the role's trust policy. Throws a CliError that names the existing roles if there is no such role. */
export const trustPolicyIn = (arn: string, { flag, world }: NamedWorld): string => {
  const { account = '', name = '' } = parseRoleArn(arn) ?? {};
  const role = world.accounts.get(account)?.roles.get(name);
  if (role?.arn === arn) return role.trustPolicy;
  const roles = [...world.accounts.values()].flatMap((one) => [...one.roles.values()].map((each) => each.arn));
  throw new CliError(
    'UnknownRole',
    `role ${arn} does not exist in the sandbox of ${flag}`,
    `Its roles: ${listed(roles)}`,
  );
};

/** Returns the cluster's OIDC issuer, if it has one. Throws a CliError that names the existing clusters. */
export const issuerIn = (target: Target, { flag, world }: NamedWorld): string | undefined => {
  const cluster = world.accounts.get(target.account)?.clusters.get(`${target.region}/${target.cluster}`);
  if (cluster) return cluster.oidcIssuer;
  const clusters = [...world.accounts.values()].flatMap((one) => [...one.clusters.values()].map((each) => each.arn));
  throw new CliError(
    'UnknownCluster',
    `cluster ${clusterArn(target)} does not exist in the sandbox of ${flag}`,
    `Its clusters: ${listed(clusters)}\nOr add --oidc-issuer URL to check a cluster that is not in it.`,
  );
};

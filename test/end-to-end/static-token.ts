/**
 * Commands of kubectl that take their token from the kubeconfig, for tests in which the way kubectl gets one does not
 * matter.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eksToken } from '../../lambdas/adapters/eks-token.ts';
import { keysOf } from '../cli/fixtures.ts';
import type { Served } from './served.ts';

interface Kubeconfig {
  users: { name: string; user: unknown }[];
  [more: string]: unknown;
}

/**
 * Returns the same sandbox, whose commands find its kubeconfig with a token in place of `aws eks get-token`. Starting
 * Python for each token (twice if kubectl is Google's, which asks for the server's version first) costs ten times what
 * the command itself does. The token is valid for 15 minutes.
 */
export const withStaticToken = async (served: Served): Promise<Served> => {
  const { KUBECONFIG = '' } = served.environment;
  const credentials = keysOf(served.environment);
  // The printed file is JSON after a comment line.
  const config = JSON.parse(readFileSync(KUBECONFIG, 'utf8').replace(/^#.*\n/, '')) as Kubeconfig;
  const tokens = new Map<string, string>();
  for (const { account, region, name: cluster } of served.clusters) {
    const token = await eksToken({ cluster, region, credentials, now: new Date() });
    tokens.set(`arn:aws:eks:${region}:${account}:cluster/${cluster}`, token);
  }
  const users = config.users.map(({ name }) => ({ name, user: { token: tokens.get(name) } }));
  const file = join(served.directory, 'kubeconfig-with-token');
  writeFileSync(file, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return { ...served, run: (command, args, more) => served.run(command, args, { KUBECONFIG: file, ...more }) };
};

import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { clusterOfContext, kubeconfigFiles, readKubeconfig } from '../../cli/context/kubeconfig.ts';
import { errorOf } from './fixtures.ts';
import { SCENARIO } from '../end-to-end/fixture.ts';
import { scratchDirectory } from '../scratch.ts';
import { expectExit, matching } from '../lambdas/matchers.ts';
import { type Ran, runProgram } from './run-program.ts';

const ARN = 'arn:aws:eks:eu-west-1:111122223333:cluster/reliability-dev';

/** As `aws eks update-kubeconfig --profile work` writes it. */
const UPDATED = `
apiVersion: v1
kind: Config
clusters:
- {name: ${ARN}, cluster: {server: "https://0123.gr7.eu-west-1.eks.amazonaws.com"}}
contexts:
- {name: ${ARN}, context: {cluster: ${ARN}, user: ${ARN}}}
- {name: minikube, context: {cluster: minikube, user: minikube}}
users:
- name: ${ARN}
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: aws
      args: [--region, eu-west-1, eks, get-token, --cluster-name, reliability-dev, --output, json]
      env: [{name: AWS_PROFILE, value: work}]
`;

/** As eksctl writes it, and as older versions of it do. */
const EKSCTL = `
clusters:
- {name: shop.us-east-1.eksctl.io, cluster: {server: "https://4567.yl4.us-east-1.eks.amazonaws.com"}}
contexts:
- {name: me@shop, context: {cluster: shop.us-east-1.eksctl.io, user: me@shop}}
- {name: old@shop, context: {cluster: shop.us-east-1.eksctl.io, user: old@shop}}
- {name: ${ARN}, context: {cluster: other, user: other}}
users:
- name: me@shop
  user: {exec: {command: aws, args: [eks, get-token, --output, json, --cluster-name=shop, --region=us-east-1]}}
- name: old@shop
  user: {exec: {command: aws-iam-authenticator, args: [token, -i, shop], env: null}}
`;

const folder = scratchDirectory();
let files: string[] = [];
beforeAll(() => {
  files = [UPDATED, EKSCTL].map((text, index) => {
    const file = join(folder, `config-${index}`);
    writeFileSync(file, text);
    return file;
  });
});
afterEach(() => vi.unstubAllEnvs());

const environment = () => ({ KUBECONFIG: [...files, join(folder, 'missing')].join(delimiter) });
const clusterOf = (name: string) => clusterOfContext(name, readKubeconfig(environment()), environment());

describe('a context of the kubeconfig', () => {
  it.each([
    [ARN, { cluster: 'reliability-dev', region: 'eu-west-1', account: '111122223333', profile: 'work' }],
    ['me@shop', { cluster: 'shop', region: 'us-east-1' }],
    ['old@shop', { cluster: 'shop', region: 'us-east-1' }],
  ])('%s selects its cluster; of two with the same name, the first counts', (name, expected) =>
    expect(clusterOf(name)).toEqual(expected),
  );

  it('that is unknown, or not of EKS, is an error with what to do', () => {
    const unknown = errorOf(() => clusterOf('nowhere'));
    expect(unknown).toMatchObject({ name: 'UnknownContext', exitCode: 2 });
    expect(unknown.hint).toBe(`Its contexts: ${ARN}, minikube, me@shop, old@shop, ${ARN}`);
    expect(errorOf(() => clusterOf('minikube'))).toMatchObject({ name: 'NotAnEksContext', exitCode: 2 });
  });

  it('in a file that cannot be read is an error that names the file', () => {
    const file = join(folder, 'broken');
    writeFileSync(file, 'contexts: [{name: ]');
    expect(errorOf(() => readKubeconfig({ KUBECONFIG: file })).message).toContain(`kubeconfig ${file} cannot be read`);
    writeFileSync(file, 'contexts: {name: 5}');
    expect(errorOf(() => readKubeconfig({ KUBECONFIG: file })).message).toContain('contexts: ');
  });

  it('is looked for in the home directory without KUBECONFIG', () =>
    expect(kubeconfigFiles({})).toEqual([matching(/\.kube\/config$/)]));
});

describe('--context', () => {
  const run = (...argv: string[]): Promise<Ran> => {
    vi.stubEnv('KUBECONFIG', environment().KUBECONFIG);
    return runProgram(...argv);
  };

  it('selects cluster, account and region', async () => {
    const { code, out } = await run('plan', '--context', ARN, '--addon', 'aws-ebs-csi-driver', '--sandbox', SCENARIO);
    expect(code).toBe(0);
    expect(out).toMatch(
      /migrate --cluster reliability-dev --addon aws-ebs-csi-driver --account 111122223333 --region eu-west-1 /,
    );
  });

  it('selects one cluster of a sweep', async () => {
    const { code, out } = await run('sweep', '--mode', 'inventory', '--context', ARN, '--sandbox', SCENARIO, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      request: { selection: { clusters: ['reliability-dev'], regions: ['eu-west-1'], accounts: ['111122223333'] } },
    });
  });

  it.each([
    [['--cluster', 'other'], '--context cannot be combined with --cluster'],
    [['--region', 'us-west-2'], '--context has region eu-west-1, but --region us-west-2 is given'],
    [['--account', '999999999999'], '--context has account 111122223333, but --account 999999999999 is given'],
  ])('contradicts %j', async (flags, message) =>
    expectExit(run('identities', '--context', ARN, ...flags, '--sandbox', SCENARIO), 2, message),
  );
});

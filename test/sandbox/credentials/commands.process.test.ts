/** Credentials of pods, requested with kubectl (for the token) and aws (for the credentials). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLE, TARGET } from '../../end-to-end/fixture.ts';
import { reasonToSkip, serve, type Served } from '../../end-to-end/served.ts';
import { useWarmAws } from '../../warm-aws/index.ts';

const reason = reasonToSkip('kubectl', 'aws');
const ACCOUNT = 'ebs-csi-controller-sa';

let served: Served;
const said = async (command: string, ...args: string[]): Promise<string> => {
  const { code, out, err } = await served.run(command, args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out.trim();
};
const kubectl = (...args: string[]) => said('kubectl', '--namespace', 'kube-system', ...args);
const aws = async (...args: string[]) =>
  JSON.parse(await said('aws', ...args, '--output', 'json')) as Record<string, Record<string, string>>;
const token = async (audience: string): Promise<string> => {
  const pods = await kubectl('get', 'pods', '-o', 'name', '--selector', 'app=ebs-csi-controller');
  const pod = pods.split('\n')[0]!.replace('pod/', '');
  return kubectl(
    'create',
    'token',
    ACCOUNT,
    '--audience',
    audience,
    '--bound-object-kind',
    'Pod',
    '--bound-object-name',
    pod,
  );
};

describe.skipIf(reason !== undefined)(`kubectl and aws${reason === undefined ? '' : ` (${reason})`}`, () => {
  useWarmAws();
  beforeAll(async () => void (served = await serve([], (_, cluster) => void (cluster.associations = []))));
  afterAll(async () => {
    await served?.stop();
  });

  it(
    'exchange the tokens of a pod for the credentials of its role, with IRSA and with EKS Pod Identity',
    { timeout: 300_000 },
    async () => {
      const asWebIdentity = ['sts', 'assume-role-with-web-identity', '--role-arn', ROLE, '--role-session-name', 'pod'];
      const assumed = await aws(...asWebIdentity, '--web-identity-token', await token('sts.amazonaws.com'));
      expect(assumed['AssumedRoleUser']!['Arn']).toMatch(/:assumed-role\/[^/]+\/pod$/);

      const forPod = ['eks-auth', 'assume-role-for-pod-identity', '--cluster-name', TARGET.cluster, '--token'];
      const pods = await token('pods.eks.amazonaws.com');
      const refused = await served.run('aws', [...forPod, pods]);
      expect(refused.err).toContain('(ResourceNotFoundException) when calling the AssumeRoleForPodIdentity operation');
      // A standalone association does not replace the pod, which can now request credentials in both ways.
      const associate = ['eks', 'create-pod-identity-association', '--cluster-name', TARGET.cluster];
      await aws(...associate, '--namespace', 'kube-system', '--service-account', ACCOUNT, '--role-arn', ROLE);
      const granted = await aws(...forPod, pods);
      expect(granted['subject']).toEqual({ namespace: 'kube-system', serviceAccount: ACCOUNT });
      const { accessKeyId = '', secretAccessKey = '', sessionToken = '' } = granted['credentials']!;
      const who = await served.run('aws', ['sts', 'get-caller-identity', '--output', 'json'], {
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
      });
      expect(JSON.parse(who.out)).toMatchObject({ Arn: granted['assumedRoleUser']!['arn'] });
    },
  );
});

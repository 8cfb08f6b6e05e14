/** Pods whose SDK is too old for EKS Pod Identity: injected, without credentials, and restarted by the kubelet. */
import { DeletePodIdentityAssociationCommand } from '@aws-sdk/client-eks';
import { UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { containerCredentials, hasCredentials } from '../../../sandbox/credentials/sessions.ts';
import { pauseBefore } from '../../../sandbox/kubernetes/crashes.ts';
import type { Pod } from '../../../sandbox/objects/objects.ts';
import { deletePod } from '../../../sandbox/kubernetes/controllers.ts';
import { isActive, isReady } from '../../../sandbox/kubernetes/pods.ts';
import { getObject, listObjects } from '../../../sandbox/objects/store.ts';
import { policyOf, ROLE } from '../support.ts';
import {
  associate,
  CONTROLLER,
  type CredentialLab,
  irsaStatement,
  openLab,
  podsStatement,
  type Setting,
} from './support.ts';

const OLD = { name: 'go-v1', version: '1.44.0' };
/** Software with that SDK calls AWS five seconds after its start. */
const SOON = { knobs: { firstCallSeconds: 5 } };
const PLUGIN = { workload: 'ebs-csi-controller', container: 'ebs-plugin' };

/** Returns a lab whose EBS plugin has an SDK; the other containers of the pod have a recent one. */
const labWith = (sdk: object = OLD, setting: Setting = {}, software: object = PLUGIN): CredentialLab => {
  const driver = { name: 'aws-ebs-csi-driver', version: 'v1.38.1-eksbuild.1', software: [{ ...software, sdk }] };
  const agent = { name: 'eks-pod-identity-agent', version: 'v1.3.4-eksbuild.1' };
  const addons = [{ ...driver, ...(setting.association ? {} : { serviceAccountRoleArn: ROLE }) }, agent];
  const dated = addons.map((one) => ({ ...one, createdAt: '2025-06-01T00:00:00.000Z' }));
  return openLab({ ...setting, cluster: { addons: dated, ...setting.cluster } });
};

const controllers = ({ cluster }: CredentialLab): Pod[] =>
  listObjects(cluster.kube, 'Pod').filter((pod) => pod.spec.serviceAccountName === CONTROLLER && isActive(pod));
/** Replaces all of the controller's pods at once, and waits until the new ones are ready for the first time. */
const roll = (lab: CredentialLab): Pod => {
  const old = new Set(controllers(lab).map(({ metadata }) => metadata.uid));
  lab.restart();
  // `restart` lets 20 seconds pass, of which the pods needed 2 to become ready.
  return controllers(lab).find(({ metadata }) => !old.has(metadata.uid))!;
};

/** Returns such a lab with an association, and the first pod that was created since. */
const rolled = async (...options: Parameters<typeof labWith>): Promise<{ lab: CredentialLab; pod: Pod }> => {
  const lab = labWith(...options);
  await associate(lab);
  return { lab, pod: roll(lab) };
};

interface Status {
  name: string;
  ready: boolean;
  restartCount: number;
  state: Record<string, { reason?: string; message?: string; exitCode?: number }>;
  lastState?: Record<string, { exitCode: number; reason: string; startedAt: string; finishedAt: string }>;
}
const statusOf = (pod: Pod, container = 'ebs-plugin'): Status =>
  (pod.status['containerStatuses'] as Status[]).find(({ name }) => name === container)!;
const ends = (pod: Pod): string => {
  const { ready, restartCount, state } = statusOf(pod);
  const [kind, { reason }] = Object.entries(state)[0]!;
  return `${restartCount} ${kind}${reason === undefined ? '' : ` ${reason}`}${ready ? ' ready' : ''}`;
};
/** Returns the states of the plugin in the order in which they were seen, one check a second. */
const watch = (lab: CredentialLab, pod: Pod, seconds: number): string[] => {
  const seen: string[] = [];
  for (let second = 0; second <= seconds; second += 1) {
    const now = ends(pod);
    if (seen.at(-1) !== now) seen.push(now);
    lab.pass(1);
  }
  return seen;
};

describe('a container whose SDK is too old for Pod Identity', () => {
  it('has credentials with IRSA, and never with Pod Identity, whatever its environment is', async () => {
    const lab = labWith();
    const plugin = (pod: Pod) =>
      containerCredentials(lab.world, lab.cluster, pod).find(({ container }) => container === 'ebs-plugin');
    expect(plugin(controllers(lab)[0]!)).toMatchObject({ method: 'irsa', roleArn: ROLE, never: false });
    await associate(lab);
    const pod = roll(lab);
    const message = 'go-v1 1.44.0 refuses the host 169.254.170.23: supported since 1.47.11';
    const refused = { code: 'SdkTooOld', status: 0, message };
    const shown = { container: 'ebs-plugin', isInit: false, method: 'pod-identity', never: true, refused };
    expect(plugin(pod)).toEqual(shown);
    const all = containerCredentials(lab.world, lab.cluster, pod);
    const others = all.filter(({ container }) => container !== 'ebs-plugin');
    expect(others.map(({ roleArn }) => roleArn)).toEqual(others.map(() => ROLE));
  });

  it('exits at its first call and is restarted: at once, then with pauses that double', async () => {
    const { lab, pod } = await rolled(OLD, SOON);
    expect(watch(lab, pod, 100)).toEqual([
      '1 waiting CrashLoopBackOff',
      '2 running ready',
      '2 waiting CrashLoopBackOff',
      '3 running ready',
      '3 waiting CrashLoopBackOff',
      '4 running ready',
      '4 waiting CrashLoopBackOff',
    ]);
    const pauses = [0, 1, 2, 3, 4, 5, 6, 7].map((restarts) => pauseBefore(restarts) / 1000);
    expect(pauses).toEqual([1, 10, 20, 40, 80, 160, 300, 300]);
  });

  it('has the status that the kubelet writes', async () => {
    const { pod } = await rolled(OLD, SOON);
    expect(ends(pod)).toBe('1 waiting CrashLoopBackOff');
    const { metadata, status } = pod;
    const message = `back-off 10s restarting failed container=ebs-plugin pod=${metadata.name}_kube-system(${metadata.uid})`;
    const state = { waiting: { reason: 'CrashLoopBackOff', message } };
    const lastState = { terminated: { exitCode: 1, reason: 'Error' } };
    expect(statusOf(pod)).toMatchObject({ ready: false, started: false, restartCount: 1, state, lastState });
    expect(statusOf(pod, 'csi-provisioner')).toMatchObject({ ready: true, restartCount: 0 });
    expect(status.phase).toBe('Running');
    expect(Object.fromEntries(status.conditions.map((one) => [one.type, one.status]))).toEqual({
      PodReadyToStartContainers: 'True',
      Initialized: 'True',
      Ready: 'False',
      ContainersReady: 'False',
      PodScheduled: 'True',
    });
    expect(status.conditions.find(({ type }) => type === 'Ready')).toMatchObject({
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [ebs-plugin]',
    });
  });

  it('counts as unavailable for its workload while it is not ready', async () => {
    const { lab } = await rolled(OLD, SOON);
    const workload = () => getObject(lab.cluster.kube, 'Deployment', 'kube-system', 'ebs-csi-controller')!.status;
    for (let second = 0; second < 120; second += 1) {
      lab.pass(1);
      const ready = controllers(lab).filter(isReady).length;
      expect(workload()?.['readyReplicas'] ?? 0).toBe(ready);
      expect(workload()?.['availableReplicas'] ?? 0).toBe(ready);
    }
    const last = lab.cluster.kube.readyHistory.findLast(({ workload: name }) => name === 'ebs-csi-controller');
    expect(last?.ready).toBe(controllers(lab).filter(isReady).length);
  });

  it('runs on once its pods are on IRSA again', async () => {
    const { lab } = await rolled(OLD, SOON);
    const [associationId] = [...lab.cluster.associations.keys()];
    await lab.eks.send(new DeletePodIdentityAssociationCommand({ clusterName: 'dev', associationId }));
    for (const { metadata } of controllers(lab))
      deletePod(lab.world, lab.cluster, { namespace: 'kube-system', name: metadata.name }, 1);
    lab.pass(600);
    expect(controllers(lab).map(ends)).toEqual(['0 running ready', '0 running ready']);
  });

  it('stays ready and hides it if its software only logs', async () => {
    const { lab, pod } = await rolled(OLD, { knobs: { softwareWithoutCredentials: 'logs' } });
    lab.pass(3600);
    expect([ends(pod), hasCredentials(lab.world, lab.cluster, pod)]).toEqual(['0 running ready', false]);
  });

  it('stays Pending, as before, if pods wait for credentials', async () => {
    const { lab, pod } = await rolled(OLD, { knobs: { podsWaitForCredentials: true } });
    lab.pass(600);
    expect([pod.status.phase, isReady(pod)]).toEqual(['Pending', false]);
  });

  it('has been restarted often in a pod from before the sandbox opened', () => {
    const lab = labWith(OLD, { association: {} });
    const pod = controllers(lab)[0]!;
    const { restartCount } = statusOf(pod);
    expect(restartCount).toBeGreaterThan(100);
    lab.pass(3600);
    expect(statusOf(pod).restartCount).toBeGreaterThan(restartCount);
  });

  it('is restarted ever more rarely after hours, so that weeks of virtual time stay cheap', async () => {
    const { lab, pod } = await rolled();
    lab.pass(6 * 3600);
    const { restartCount } = statusOf(pod);
    expect(restartCount).toBeGreaterThan(60);
    lab.pass(30 * 24 * 3600);
    expect(statusOf(pod).restartCount - restartCount).toBeLessThan(30 * 24 + 24);
  });

  it('changes nothing for a container with a recent SDK', async () => {
    const { lab, pod } = await rolled({ name: 'go-v1', version: '1.47.11' });
    lab.pass(600);
    expect([ends(pod), hasCredentials(lab.world, lab.cluster, pod)]).toEqual(['0 running ready', true]);
  });
});

describe('a container without credentials for another reason than its SDK', () => {
  const refused = async (knobs: Record<string, unknown>) => {
    const trust = [irsaStatement, podsStatement({ Bool: { 'aws:SecureTransport': 'false' } })];
    const lab = openLab({ trust, knobs: { firstCallSeconds: 5, ...knobs } });
    await associate(lab);
    return { lab, pod: roll(lab) };
  };

  it('runs on by default', async () => {
    const { lab, pod } = await refused({});
    lab.pass(600);
    expect(ends(pod)).toBe('0 running ready');
  });

  it('exits with the knob, until it gets some', async () => {
    const { lab, pod } = await refused({ softwareWithoutCredentials: 'crashes' });
    expect(ends(pod)).toBe('1 waiting CrashLoopBackOff');
    const PolicyDocument = JSON.stringify(policyOf(irsaStatement, podsStatement()));
    await lab.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'ebs-csi', PolicyDocument }));
    lab.pass(600);
    expect([ends(pod), isReady(pod)]).toEqual(['2 running ready', true]);
  });
});

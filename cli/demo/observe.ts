/** Reads an add-on, its associations and its pods, through the same ports that the service uses. */
import { collectEvidence } from '../../lambdas/domain/verification/pod-identity.ts';
import type { Addon, Association, PodEvidence, Target } from '../../lambdas/domain/migration/model.ts';
import type { Pod } from '../../lambdas/ports/index.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import type { SandboxBackend } from '../backend.ts';
import { podTable } from '../print/pods.ts';
import type { Style } from '../print/style.ts';

export interface Sight {
  addon: Addon | undefined;
  /** Associations of the service accounts for which the add-on supports one. */
  associations: Association[];
  pods: PodEvidence[];
  /** One pod that counts, and its environment variables that decide how its SDKs get credentials. */
  example?: { pod: string; env: string[] };
}

const NAMESPACE = 'kube-system';

/** Variables of IRSA, then of Pod Identity (EKS User Guide, "How EKS Pod Identity works"). */
const CREDENTIAL_KEYS = [
  'AWS_ROLE_ARN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
];

export const look = (backend: SandboxBackend, target: Target, addonName: string): Promise<Sight> =>
  backend.clock.spawn(async () => {
    const { eks, kubernetes } = portsOf(backend.sandbox.clients(), target);
    const addon = await eks.describeAddon(addonName);
    const namespace = addon?.namespace ?? NAMESPACE;
    const configuration = addon && (await eks.describeConfiguration(addonName, addon.version));
    const accounts = (configuration?.podIdentity ?? []).map(({ serviceAccount }) => serviceAccount);
    const associations = (
      await Promise.all(accounts.map((account) => eks.listAssociations(namespace, account)))
    ).flat();
    const all = await kubernetes.listPods(namespace);
    const pods = collectEvidence(all, new Set(accounts));
    const first = all.find(({ uid }) => uid === pods.find(({ identity }) => identity !== 'not-applicable')?.uid);
    return { addon, associations, pods, ...(first ? { example: { pod: first.name, env: environment(first) } } : {}) };
  });

const environment = ({ containers }: Pod): string[] => {
  const env = containers.find(({ init }) => !init)?.env ?? {};
  return CREDENTIAL_KEYS.flatMap((name) => (name in env ? [`${name}=${env[name] ?? ''}`] : []));
};

/** Returns the add-on, its associations, its pods and the variables that decide how their SDKs get credentials. */
export const sightLines = ({ addon, associations, pods, example }: Sight, style: Style): string[] => [
  ...(addon
    ? [
        `${style.paint('bold', addon.name)} ${addon.version}, ${addon.status}`,
        `  IRSA role    ${addon.serviceAccountRoleArn ?? 'none'}`,
      ]
    : ['The add-on does not exist.']),
  ...associations.map(
    ({ id, namespace, serviceAccount, roleArn, ownerArn }) =>
      `  association  ${id} (${ownerArn ? 'owned by the add-on' : 'standalone, left over'})\n               ${namespace}/${serviceAccount} → ${roleArn}`,
  ),
  '',
  ...podTable(
    pods.map((pod) => ({ pod, before: '' })),
    style,
  ),
  ...(example
    ? [
        '',
        `  Environment of ${example.pod} that selects its credentials:`,
        ...example.env.map((line) => `    ${style.paint('cyan', line)}`),
      ]
    : []),
];

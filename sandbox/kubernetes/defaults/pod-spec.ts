/** Defaults of the specifications of pods and pod templates (k8s.io/kubernetes, pkg/apis/core/v1/defaults.go). */
import type { Json } from '../../json.ts';
import { change, changeEach, fill } from './fill.ts';

const MODE = { defaultMode: 0o644 };
const HTTP = { path: '/', scheme: 'HTTP' };
const PROBE = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
const TERMINATION = { terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' };
const POD = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
};
const TOKEN = { expirationSeconds: 3600 };
const FIELD = { apiVersion: 'v1' };
const NOTHING = {};

/** Returns whether an image names no version, or the newest: the kubelet then always pulls it. */
const isLatest = (image: string): boolean => {
  const [reference = ''] = image.split('@');
  const [, tag] = reference.slice(reference.lastIndexOf('/') + 1).split(':');
  return tag === undefined ? !image.includes('@') : tag === 'latest';
};

const action = (handler: Json): Json =>
  change(
    change(handler, 'httpGet', (get) => fill(get, HTTP)),
    'grpc',
    (grpc) => fill(grpc, { service: '' }),
  );
const probe = (one: Json): Json => action(fill(one, PROBE));

const withField = (item: Json): Json => change(item, 'fieldRef', (field) => fill(field, FIELD));
const variable = (one: Json): Json => change(one, 'valueFrom', withField);

const HANDLERS: [string, (value: Json) => Json][] = [
  ['livenessProbe', probe],
  ['readinessProbe', probe],
  ['startupProbe', probe],
  ['lifecycle', (value) => change(change(value, 'postStart', action), 'preStop', action)],
];

const container = (one: Json): Json => {
  const image = typeof one['image'] === 'string' ? one['image'] : '';
  let filled = fill(one, {
    resources: NOTHING,
    ...TERMINATION,
    imagePullPolicy: isLatest(image) ? 'Always' : 'IfNotPresent',
  });
  filled = changeEach(filled, 'ports', (port) => fill(port, { protocol: 'TCP' }));
  if ((one['env'] as Json[] | undefined)?.some(({ valueFrom }) => valueFrom !== undefined))
    filled = changeEach(filled, 'env', variable);
  for (const [name, changed] of HANDLERS) filled = change(filled, name, changed);
  return filled;
};

const source = (one: Json): Json =>
  change(
    change(one, 'serviceAccountToken', (token) => fill(token, TOKEN)),
    'downwardAPI',
    (downward) => changeEach(downward, 'items', withField),
  );

/** Kinds of volumes that have defaults. */
const VOLUMES: Record<string, (value: Json) => Json> = {
  secret: (value) => fill(value, MODE),
  configMap: (value) => fill(value, MODE),
  downwardAPI: (value) => changeEach(fill(value, MODE), 'items', withField),
  projected: (value) => changeEach(fill(value, MODE), 'sources', source),
  hostPath: (value) => fill(value, { type: '' }),
};

const volume = (one: Json): Json => {
  const kind = Object.keys(one).find((name) => name !== 'name');
  if (kind === undefined) return { ...one, emptyDir: NOTHING };
  const changed = VOLUMES[kind];
  return changed ? change(one, kind, changed) : one;
};

/** Returns the specification of a pod or pod template with the API's defaults. */
export const withPodSpecDefaults = (spec: Json): Json => {
  const account = spec['serviceAccountName'];
  // The API still has the field's former name, too.
  let filled = fill(spec, account === undefined ? POD : { ...POD, serviceAccount: account });
  for (const name of ['initContainers', 'containers']) filled = changeEach(filled, name, container);
  return changeEach(filled, 'volumes', volume);
};

/** Texts for containers: what of their spec decides from where they get credentials. Pure. */
import type { EnvEntry, KubeContainer } from './kube-pod.ts';

/** What the webhook adds to every container: of no interest here. */
const OMITTED = new Set(['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_STS_REGIONAL_ENDPOINTS']);

const entryText = ({ name, value = '', valueFrom }: EnvEntry): string =>
  valueFrom ? `${name} (${valueFrom.secretKeyRef.optional === true ? 'optional ' : ''}Secret)` : `${name}=${value}`;

/** Returns the variables and mounts of a container in one line. */
export const containerText = ({ env = [], envFrom = [], volumeMounts = [] }: KubeContainer): string =>
  [
    ...env.filter(({ name }) => !OMITTED.has(name)).map(entryText),
    ...envFrom.map(({ prefix }) => `envFrom${prefix === undefined ? '' : ` with the prefix ${prefix}`}`),
    ...volumeMounts.map(({ name, mountPath, subPath }) => `${name}${subPath ? `/${subPath}` : ''} at ${mountPath}`),
  ].join(', ') || 'no variables';

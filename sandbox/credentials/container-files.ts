/** What a container of a pod sees of its pod's spec: environment variables, and tokens in mounted volumes. */
import { posix } from 'node:path';
import type { Container, Pod } from '../objects/objects.ts';
import type { Environment } from './chains.ts';

/** Value of a variable whose Secret the sandbox does not have. */
const FROM_SECRET = 'from-secret';

/** Replaces `$(NAME)` by the value of an earlier variable, and `$$` by `$`, as the kubelet does. */
const expanded = (value: string, known: Environment): string =>
  value.replace(/\$\$|\$\(([^()]*)\)/g, (reference, name?: string) =>
    name === undefined ? '$' : (known.get(name) ?? reference),
  );

/**
 * Returns the environment of a container. Of variables with the same name, the last one that is set counts; one from an
 * optional Secret is not set, because no optional Secret exists.
 */
export const environmentOf = ({ env = [] }: Container): Environment => {
  const environment = new Map<string, string>();
  for (const { name, value, valueFrom } of env)
    if (valueFrom === undefined) environment.set(name, expanded(value ?? '', environment));
    else if (valueFrom.secretKeyRef?.optional !== true) environment.set(name, FROM_SECRET);
  return environment;
};

/** Returns a path in the form of Linux: `C:\var\run\` and `/var/lib/../run` are `/var/run`. */
const normalized = (path: string): string =>
  posix.normalize(path.replace(/^[A-Za-z]:(?=[\\/])/, '').replaceAll('\\', '/')).replace(/\/$/, '');

interface ServiceAccountToken {
  audience?: string;
  path: string;
}

/**
 * Returns the audiences of the service account token that a container has at a path; none for a token for the API
 * server. Returns undefined if there is no token: nothing is mounted there, or something else.
 */
export const tokenAt = (pod: Pod, container: Container, file: string): string[] | undefined => {
  const path = normalized(file);
  const mounted = (container.volumeMounts ?? [])
    .map((mount) => ({ ...mount, at: normalized(mount.mountPath) }))
    .filter(({ at }) => path === at || path.startsWith(`${at}/`))
    // The innermost mount hides what others have at its path.
    .sort((a, b) => b.at.length - a.at.length)[0];
  if (!mounted) return undefined;
  const inVolume = normalized(`/${mounted.subPath ?? ''}/${path.slice(mounted.at.length)}`);
  const volume = (pod.spec.volumes ?? []).find(({ name }) => name === mounted.name);
  for (const source of volume?.projected?.sources ?? []) {
    const token = source['serviceAccountToken'] as ServiceAccountToken | undefined;
    if (token && normalized(`/${token.path}`) === inVolume) return token.audience === undefined ? [] : [token.audience];
  }
  return undefined;
};

/** What a container of a pod finds when it starts: its variables, and the tokens of its mounted volumes. */
import { join, posix } from 'node:path';
import { tokenFor } from './endpoints.ts';
import type { KubeContainer, KubeVolume } from './kube-pod.ts';

/** Variables with the path of a file. */
const FILE_VARIABLES: ReadonlySet<string> = new Set([
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_CREDENTIAL_FILE',
  'BOTO_CONFIG',
]);

/** Values that the spec does not show. */
export interface Settled {
  /** The value of each variable with `valueFrom`, by its place in the list; missing if the object does not exist. */
  values: ReadonlyMap<number, string>;
  /** The keys of all objects of `envFrom`, with their prefixes. */
  imported: Readonly<Record<string, string>>;
  /** Values of names that references use, and that the container does not define, such as those of Services. */
  referred: Readonly<Record<string, string>>;
}

const REFERENCE = /\$\$|\$\(([^)]+)\)/g;

/** Returns the variables, with references replaced as the kubelet replaces them. */
export function variablesOf({ env = [] }: KubeContainer, settled: Settled): Map<string, string> {
  const variables = new Map(Object.entries(settled.imported));
  for (const [index, { name, value = '', valueFrom }] of env.entries()) {
    const given = valueFrom ? settled.values.get(index) : value;
    if (given === undefined) continue;
    const text = valueFrom
      ? given
      : given.replaceAll(REFERENCE, (all, other: string | undefined) =>
          other === undefined ? '$' : (variables.get(other) ?? settled.referred[other] ?? all),
        );
    variables.set(name, text);
  }
  return variables;
}

/** Returns the names to which a value refers, and that no variable before it defines. */
export const unknownReferences = ({ env = [] }: KubeContainer): string[] => {
  const known = new Set<string>();
  const unknown = new Set<string>();
  for (const { name, value = '' } of env) {
    for (const [, other] of value.matchAll(REFERENCE)) if (other !== undefined && !known.has(other)) unknown.add(other);
    known.add(name);
  }
  return [...unknown];
};

/** Returns an absolute path in the form of Linux: `C:\var\run` is `/var/run`. Undefined for a relative path. */
export const absolute = (path: string): string | undefined => {
  const slashed = path.replace(/^[A-Za-z]:(?=[\\/])/, '').replaceAll('\\', '/');
  return slashed.startsWith('/') ? posix.normalize(slashed).replace(/(?<=.)\/$/, '') : undefined;
};

const depth = (path: string): number => path.split('/').length;
const isBelow = (path: string, directory: string): boolean => path === directory || path.startsWith(`${directory}/`);

const mountsOf = ({ volumeMounts = [] }: KubeContainer) =>
  volumeMounts
    .map(({ name, mountPath, subPath = '' }) => ({ name, subPath, place: absolute(`/${mountPath}`) ?? '/' }))
    .toSorted((a, b) => depth(a.place) - depth(b.place));

/** Returns the tokens that a container finds, by path. A mount hides what is mounted above it. */
export function tokensOf(container: KubeContainer, volumes: readonly KubeVolume[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const { name, subPath, place } of mountsOf(container)) {
    for (const path of files.keys()) if (isBelow(path, place)) files.delete(path);
    for (const { serviceAccountToken: token } of volumes.find((one) => one.name === name)?.projected?.sources ?? []) {
      if (!token) continue;
      const rest = subPath === '' || token.path === subPath ? subPath : `${subPath}/`;
      if (!token.path.startsWith(rest)) continue;
      files.set(posix.join(place, token.path.slice(rest.length)).replace(/\/$/, ''), tokenFor(token.audience));
    }
  }
  return files;
}

/** Returns whether a file may exist whose content the spec does not show: in a volume with anything but tokens. */
export function mayHaveFile(path: string, container: KubeContainer, volumes: readonly KubeVolume[]): boolean {
  const deepest = mountsOf(container).findLast(({ place }) => place === '/' || isBelow(path, place));
  const volume = deepest && volumes.find(({ name }) => name === deepest.name);
  return volume !== undefined && volume.projected === undefined;
}

/** The directory below `root` in which the software of a container starts. */
export const WORKING_DIRECTORY = 'working-directory';
/** Variables whose files an SDK may read only once for each path, so that none may be the same in two worlds. */
const KEPT_FILES: ReadonlySet<string> = new Set(['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']);

/** Returns the variables with the paths of files below `root`, in which the container's files are. */
export const withRoot = (variables: ReadonlyMap<string, string>, root: string): Record<string, string> =>
  Object.fromEntries(
    [...variables].map(([name, value]) => {
      if (value === '' || !(FILE_VARIABLES.has(name) || name === 'HOME')) return [name, value];
      const path = absolute(value);
      if (path !== undefined) return [name, join(root, path)];
      return [name, KEPT_FILES.has(name) ? join(root, WORKING_DIRECTORY, value) : value];
    }),
  );

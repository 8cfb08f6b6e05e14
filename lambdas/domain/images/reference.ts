/** Parses references to container images, as pods contain them, such as `quay.io/org/name:v1.2.3@sha256:…`. */

export interface ImageReference {
  /** Host and port of the registry; absent if the reference does not name one, which then is Docker Hub. */
  registry?: string;
  /** Path of the repository in its registry, as it is written: `nginx` is not completed to `library/nginx`. */
  path: string;
  tag?: string;
  /** Such as `sha256:…`. */
  digest?: string;
}

const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const PATH = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/i;
/** The host of a registry has a dot or a port, or is `localhost`; otherwise it is the path's first component. */
const isHost = (component: string): boolean => /[.:]/.test(component) || component === 'localhost';

/** Splits a text at the first separator; the second part is `undefined` without one. */
function split(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** Returns the parts of a reference, or `undefined` if a container runtime would refuse it. */
export function parseImage(text: string): ImageReference | undefined {
  const [named, digest] = split(text, '@');
  const slash = named.indexOf('/');
  const first = slash < 0 ? undefined : named.slice(0, slash);
  const registry = first !== undefined && isHost(first) ? first : undefined;
  const [path, tag] = split(registry === undefined ? named : named.slice(registry.length + 1), ':');
  if (!PATH.test(path)) return undefined;
  if (tag !== undefined && !TAG.test(tag)) return undefined;
  if (digest !== undefined && !DIGEST.test(digest)) return undefined;
  return {
    ...(registry === undefined ? {} : { registry }),
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

export const imageText = ({ registry, path, tag, digest }: ImageReference): string =>
  `${registry === undefined ? '' : `${registry}/`}${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;

const DOCKER_HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** Returns the path with the `library/` that Docker Hub adds to names of one component. */
export const fullPath = ({ registry, path }: Pick<ImageReference, 'registry' | 'path'>): string =>
  (registry === undefined || DOCKER_HUB.has(registry)) && !path.includes('/') ? `library/${path}` : path;

/** Returns whether both name the same build, in whatever registry: a mirror keeps the last component, tag and digest. */
export function isSameBuild(a: ImageReference, b: ImageReference): boolean {
  const last = ({ path }: ImageReference): string => path.slice(path.lastIndexOf('/') + 1);
  return last(a) === last(b) && a.tag === b.tag && a.digest === b.digest;
}

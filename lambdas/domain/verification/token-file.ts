/** Finds the token that a container has at a path, from the mounts of the container and the token volumes of its pod. */
import type { Container, Mount, TokenVolume } from '../kubernetes/objects.ts';

/**
 * `none`: no volume is mounted there. `other`: another volume is, whose content the pod does not show. `unsure`: the place
 * is not fixed, as with a relative path.
 */
export type FoundToken =
  | { is: 'token'; audience: string }
  | { is: 'none' }
  | { is: 'other'; volume: string }
  | { is: 'unsure' };

/** More paths than the pods of most clusters have; in a larger cluster, some are split again. */
const MOST_PATHS = 1000;
const splitPaths = new Map<string, { segments: readonly string[] | undefined }>();

/**
 * Returns the segments of an absolute path of Linux or Windows; `undefined` for a relative path. Most pods have the same
 * paths, which every SDK reads, so each is split once.
 */
function segmentsOf(path: string): readonly string[] | undefined {
  const found = splitPaths.get(path) ?? { segments: split(path) };
  if (splitPaths.size >= MOST_PATHS) splitPaths.clear();
  splitPaths.set(path, found);
  return found.segments;
}

function split(path: string): string[] | undefined {
  const slashed = path.replace(/^[A-Za-z]:(?=[\\/])/, '').replaceAll('\\', '/');
  if (!slashed.startsWith('/')) return undefined;
  const segments: string[] = [];
  for (const segment of slashed.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments;
}

/** Returns what follows a mount's path in the path of the file; `undefined` if the file is elsewhere. */
function below(file: readonly string[], { path }: Mount): string[] | undefined {
  const mount = segmentsOf(path) ?? segmentsOf(`/${path}`) ?? [];
  return mount.every((segment, index) => file[index] === segment) ? file.slice(mount.length) : undefined;
}

/** Returns the token at a path. The deepest mount counts: it hides the others. */
export function tokenAt(
  path: string,
  { mounts }: Pick<Container, 'mounts'>,
  tokens: readonly TokenVolume[],
): FoundToken {
  const file = segmentsOf(path);
  if (!file) return { is: 'unsure' };
  const [deepest] = mounts
    .flatMap((mount) => {
      const rest = below(file, mount);
      return rest === undefined ? [] : [{ mount, rest }];
    })
    .sort((a, b) => a.rest.length - b.rest.length);
  if (!deepest) return { is: 'none' };
  const { volume, subPath = '' } = deepest.mount;
  if (subPath.includes('$(')) return { is: 'unsure' };
  const ofVolume = tokens.filter((token) => token.volume === volume);
  if (ofVolume.length === 0) return { is: 'other', volume };
  const inVolume = [...(segmentsOf(`/${subPath}`) ?? []), ...deepest.rest].join('/');
  const found = ofVolume.find((token) => (segmentsOf(`/${token.path}`) ?? []).join('/') === inVolume);
  return found ? { is: 'token', audience: found.audience } : { is: 'other', volume };
}

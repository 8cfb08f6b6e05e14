/** Finds an image in the table, and judges whether its software gets credentials from EKS Pod Identity. */
import { COMMUNITY_IMAGES } from './community.ts';
import { ADDON_VERSIONS, EKS_IMAGES } from './eks.ts';
import type { KnownAddonVersion, KnownImage, Support } from './model.ts';
import { fullPath, parseImage } from './reference.ts';
import { type ImageVersion, isAtLeast, readVersion, sameMinor } from './version.ts';

export const KNOWN_IMAGES: readonly KnownImage[] = [...EKS_IMAGES, ...COMMUNITY_IMAGES];

/** Returns whether a path ends with the components of a pattern, whose last one may end with `*`. */
export function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const components = path.split('/').slice(-wanted.length);
  return (
    components.length === wanted.length &&
    wanted.every((part, at) => {
      const component = components[at] ?? '';
      return part.endsWith('*') ? component.startsWith(part.slice(0, -1)) : component === part;
    })
  );
}

/** Returns the entry for a repository by its path, without the registry. */
export const knownImage = (path: string): KnownImage | undefined =>
  KNOWN_IMAGES.find(({ repositories }) => repositories.some((pattern) => matches(pattern, path)));

/** Returns the minimum version of an EKS add-on by the EKS User Guide. */
export const guideMinimum = (addon: string): KnownAddonVersion | undefined =>
  ADDON_VERSIONS.find((one) => one.addon === addon);

/**
 * `supported`: at or above the minimum. `too-old`: below it, or software that does not support EKS Pod Identity at all.
 * `unknown`: the table does not have the image, or the reference does not show its version; `why` is the end of a sentence
 * that begins with the image.
 */
export type Judgement =
  | { verdict: 'supported' | 'too-old' | 'no-calls'; known: KnownImage }
  | { verdict: 'unknown'; why: string; known?: KnownImage };

const versionIn = (text: string): ImageVersion => {
  const version = readVersion(text);
  if (!version) throw new Error(`The table of images has the version ${text}, which is not readable.`);
  return version;
};

/** Returns whether a version supports EKS Pod Identity; `undefined` if it cannot be known. */
function isSupported(version: ImageVersion, support: Exclude<Support, { kind: 'no-calls' }>): boolean | undefined {
  // What comes after the newest version that was read may have changed.
  if (support.kind === 'never') return isAtLeast(versionIn(support.through), version) === true ? false : undefined;
  const backport = (support.backports ?? []).map(versionIn).find((one) => sameMinor(one, version));
  return isAtLeast(version, backport ?? versionIn(support.minimum));
}

const notShown = ({ kind }: Support, tag: string): string =>
  kind === 'never' ? `has tag ${tag}, which is newer than the table` : `has tag ${tag}, which moves between versions`;

/** More images than most clusters have; in a larger cluster, some are judged again. */
const MOST_JUDGED = 1000;
const judged = new Map<string, Judgement>();

/** Judges an image by its reference, as pods contain it. Many pods have the same image, so each is judged once. */
export function judgeImage(image: string): Readonly<Judgement> {
  const found = judged.get(image) ?? judge(image);
  if (judged.size >= MOST_JUDGED) judged.clear();
  judged.set(image, found);
  return found;
}

function judge(image: string): Judgement {
  const reference = parseImage(image);
  if (!reference) return { verdict: 'unknown', why: 'is no reference to an image' };
  const known = knownImage(fullPath(reference));
  if (!known) return { verdict: 'unknown', why: 'is not in the table' };
  const { support } = known;
  if (support.kind === 'no-calls') return { verdict: 'no-calls', known };
  const { tag, digest } = reference;
  if (tag === undefined)
    return { verdict: 'unknown', known, why: digest === undefined ? 'has no tag' : 'has a digest without a tag' };
  const version = readVersion(tag);
  if (!version) return { verdict: 'unknown', known, why: `has tag ${tag}, which is no version` };
  const supported = isSupported(version, support);
  if (supported === undefined) return { verdict: 'unknown', known, why: notShown(support, tag) };
  return { verdict: supported ? 'supported' : 'too-old', known };
}

/** Returns whether a version of an EKS add-on is at or above the guide's minimum; `undefined` if the guide has none. */
export function isAddonSupported(addon: string, version: string): boolean | undefined {
  const known = guideMinimum(addon);
  const installed = readVersion(version);
  return known && installed ? isAtLeast(installed, versionIn(known.minimum)) : undefined;
}

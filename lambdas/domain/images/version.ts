/**
 * Reads versions from the tags of images. A tag is no semantic version: suffixes such as `-eksbuild.1`, `-debian-12-r3` or
 * `-alpine` name a build of the version before them, and only those of pre-releases make it an earlier version.
 */

export interface ImageVersion {
  /** Major, minor and patch version; two numbers if the tag moves with the newest patch version, such as `v2.9`. */
  numbers: readonly [number, number] | readonly [number, number, number];
  /** Identifiers of a pre-release, such as `rc` and `1`; empty for a release. */
  pre: readonly (number | string)[];
}

/** Further numbers (`2.32.5.20250327`) and the CloudWatch agent's `b1096` name a build too. */
const VERSION = /^v?(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9})(?:\.\d+)*)?(?:b\d+)?(?:[-+_](.*))?$/;
const PRE_RELEASE = /^(?:(?:alpha|beta|rc|pre|preview|dev|snapshot|nightly)(?=$|[\d.-]).*)/i;

const identifiers = (text: string): (number | string)[] =>
  (text.toLowerCase().match(/\d+|[a-z]+/g) ?? []).map((part) => (/^\d/.test(part) ? Number(part) : part));

/** Returns the version that a tag names, or `undefined` if it names none, such as `latest` or `main-1a2b3c`. */
export function readVersion(tag: string): ImageVersion | undefined {
  const [, major, minor, patch, suffix = ''] = VERSION.exec(tag) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  const pre = PRE_RELEASE.test(suffix) ? identifiers(suffix) : [];
  return {
    numbers: patch === undefined ? [Number(major), Number(minor)] : [Number(major), Number(minor), Number(patch)],
    pre,
  };
}

function comparePart(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  // As in semantic versions: numbers come before names.
  if (typeof a === 'number') return -1;
  if (typeof b === 'number') return 1;
  return a === b ? 0 : a < b ? -1 : 1;
}

function comparePre(a: ImageVersion['pre'], b: ImageVersion['pre']): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (const [at, part] of a.entries()) {
    const other = b[at];
    if (other === undefined) return 1;
    const order = comparePart(part, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Compares two versions: negative if the first is earlier. A missing patch version counts as `missing`. */
export function compareVersions(a: ImageVersion, b: ImageVersion, missing = 0): number {
  for (const at of [0, 1, 2] as const) {
    const order = (a.numbers[at] ?? missing) - (b.numbers[at] ?? missing);
    if (order !== 0) return order;
  }
  return comparePre(a.pre, b.pre);
}

/**
 * Returns whether a version is at or above a minimum; `undefined` for a tag that moves, such as `v2.9`, if the minimum is a
 * patch version in its range.
 */
export function isAtLeast(version: ImageVersion, minimum: ImageVersion): boolean | undefined {
  const isLater = compareVersions(version, minimum) >= 0;
  if (isLater || version.numbers.length === 3) return isLater;
  return compareVersions(version, minimum, Number.MAX_SAFE_INTEGER) < 0 ? false : undefined;
}

/** Returns whether two versions have the same major and minor version. */
export const sameMinor = (a: ImageVersion, b: ImageVersion): boolean =>
  a.numbers[0] === b.numbers[0] && a.numbers[1] === b.numbers[1];

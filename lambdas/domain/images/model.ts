/** The table of known images: which software gets credentials from EKS Pod Identity, and since which version. */

export interface Source {
  url: string;
  /** What can be read there, so that a stranger can check it. */
  says: string;
}

/**
 * `from`: every version from `minimum` on, and the later patch versions of each of `backports`. `never`: no version up to
 * `through`, the newest that was read. `no-calls`: the software calls no AWS API, and needs no credentials.
 */
export type Support =
  | { kind: 'from'; minimum: string; backports?: readonly string[] }
  | { kind: 'never'; through: string }
  | { kind: 'no-calls' };

export interface KnownImage {
  /** Name of the component for people. */
  component: string;
  /**
   * The last components of its repository's path, without the registry, so that mirrors match too: `org/name` matches
   * `quay.io/org/name` and `mirror.example.com/quay/org/name`. A final `*` stands for the rest of a name.
   */
  repositories: readonly string[];
  support: Support;
  /** `certain`: its project or AWS documents the version. `likely`: read from what it depends on at that version. */
  sure: 'certain' | 'likely';
  source: Source;
  /** What else is to know, such as a second way to credentials with another minimum. */
  note?: string;
}

/** An EKS add-on for which the EKS User Guide has a minimum version. */
export interface KnownAddonVersion {
  addon: string;
  minimum: string;
  source: Source;
}

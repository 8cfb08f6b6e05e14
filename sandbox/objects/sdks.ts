/**
 * The AWS SDKs in containers, and the version from which each of them asks the agent of EKS Pod Identity. Source: EKS
 * User Guide, "Use pod identity with the AWS SDK". A container without a declared SDK has one that is new enough.
 */

/** Minimum versions; releases of Go v2 and Rust are named by their dates. boto3 and the AWS CLI contain botocore. */
const FLOORS = {
  botocore: '1.34.41',
  cpp: '1.11.263',
  dotnet: '3.7.734.0',
  'go-v1': '1.47.11',
  'go-v2': '2023-11-14',
  'java-v1': '1.12.746',
  'java-v2': '2.21.30',
  'js-v2': '2.1550.0',
  'js-v3': '3.458.0',
  kotlin: '1.0.1',
  php: '3.287.1',
  ruby: '3.188.0',
  rust: '2024-03-13',
} as const;

export type SdkName = keyof typeof FLOORS;
export const SDK_NAMES = Object.keys(FLOORS) as SdkName[];

export interface Sdk {
  name: SdkName;
  version: string;
}

const isDate = (version: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(version);

/** Returns whether the SDK's releases are named by dates, such as 2023-11-14. */
export const hasDates = (name: SdkName): boolean => isDate(FLOORS[name]);

/** Returns whether a version has the form that versions of the SDK have. */
export const isVersionOf = (name: SdkName, version: string): boolean =>
  hasDates(name) ? isDate(version) : /^\d+(\.\d+){1,3}$/.test(version);

const numbersOf = (version: string): number[] => version.split(/[.-]/).map(Number);

/** Returns whether the SDK asks the agent: its version is the minimum or newer. */
export const asksAgent = ({ name, version }: Sdk): boolean => {
  const [own, floor] = [numbersOf(version), numbersOf(FLOORS[name])];
  for (const [index, least] of floor.entries()) {
    const part = own[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
};

export const floorOf = (name: SdkName): string => FLOORS[name];

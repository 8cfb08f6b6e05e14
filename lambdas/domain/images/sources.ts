/** Sources that many entries of the table have in common, and the minimum versions of AWS SDKs. */
import type { KnownImage, Source } from './model.ts';

const GUIDE = 'https://docs.aws.amazon.com/eks/latest/userguide';

/** The table "Pod Identity Support Reference" of the EKS User Guide. */
export const guideTable = (addon: string, version: string): Source => ({
  url: `${GUIDE}/retreive-iam-info.html`,
  says: `"Pod Identity Support Reference": ${addon}, ${version}`,
});

/** The page "Use pod identity with the AWS SDK" of the EKS User Guide. */
export const guideSdks = (says: string): Source => ({ url: `${GUIDE}/pod-id-minimum-sdk.html`, says });

/**
 * A file at a tag of a project on GitHub: what it requires at that tag, and what the version before required (`before`).
 */
export const atTag = (project: string, tag: string, requires: string, before?: string, file = 'go.mod'): Source => ({
  url: `https://github.com/${project}/blob/${tag}/${file}`,
  says: `requires ${requires}${before === undefined ? '' : ` (${before})`}`,
});

/** The first version with an AWS SDK that asks the agent, by what its project requires at that tag. */
export const from = (
  component: string,
  repositories: readonly string[],
  minimum: string,
  source: Source,
  more: { sure?: KnownImage['sure']; note?: string; backports?: readonly string[] } = {},
): KnownImage => {
  const { sure = 'likely', note, backports } = more;
  return {
    component,
    repositories,
    support: { kind: 'from', minimum, ...(backports ? { backports } : {}) },
    sure,
    source,
    ...(note === undefined ? {} : { note }),
  };
};

/** Software of which no version up to `through` gets credentials from EKS Pod Identity. */
export const never = (
  component: string,
  repositories: readonly string[],
  through: string,
  source: Source,
  note?: string,
): KnownImage => ({
  component,
  repositories,
  support: { kind: 'never', through },
  sure: 'likely',
  source,
  ...(note === undefined ? {} : { note }),
});

export const noCalls = (component: string, repositories: readonly string[], source: Source): KnownImage => ({
  component,
  repositories,
  support: { kind: 'no-calls' },
  sure: 'likely',
  source,
});

/** Minimum versions of AWS SDKs, and of libraries that find credentials without one. */
export const SDK_MINIMUMS: readonly { sdk: string; minimum: string; source: Source }[] = [
  ['Java v2', '2.21.30'],
  ['Java v1', '1.12.746'],
  ['Go v1', '1.47.11'],
  ['Go v2', 'release-2023-11-14 (module config 1.25.0)'],
  ['Python (boto3, botocore)', '1.34.41'],
  ['AWS CLI v1', '1.30.0'],
  ['AWS CLI v2', '2.15.0'],
  ['JavaScript v2', '2.1550.0'],
  ['JavaScript v3', '3.458.0'],
  ['Kotlin', '1.0.1'],
  ['Ruby', '3.188.0'],
  ['Rust', 'release-2024-03-13'],
  ['C++', '1.11.263'],
  ['.NET', '3.7.734.0'],
  ['PowerShell', '4.1.502'],
  ['PHP', '3.287.1'],
].map(([sdk = '', minimum = '']) => ({ sdk, minimum, source: guideSdks('the list of minimum versions') }));

/** minio-go, an S3 client with a chain of its own, which Thanos, Tempo, Cortex, Argo Workflows and Flux use. */
export const MINIO_GO = {
  sdk: 'minio-go (an S3 client with its own chain)',
  minimum: '7.0.69',
  source: {
    url: 'https://github.com/minio/minio-go/pull/1944',
    says: 'adds EKS Pod Identity; first in v7.0.69',
  },
};

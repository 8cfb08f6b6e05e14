/** Rights of each step in the bucket of sweeps (`lambdas/adapters/s3-documents.ts`). */
import type { StepName } from '../../lambdas/steps/schemas.ts';
import type { Grant } from './grant.ts';

/** Objects of a sweep by the end of their keys (`lambdas/domain/sweep/keys.ts`), with the reason for the access. */
interface Objects {
  keys: string[];
  why: string;
}
interface Use {
  puts?: Objects;
  gets?: Objects;
  lists?: string;
}

const USES: Partial<Record<StepName, Use>> = {
  'begin-sweep': { puts: { keys: ['locations.json'], why: "writes the list of the sweep's locations" } },
  'take-inventory': {
    puts: { keys: ['inventory/*', 'progress/*'], why: 'stores the inventory of each cluster, and its progress' },
    gets: { keys: ['progress/*'], why: 'continues where the previous invocation ran out of time' },
  },
  'report-sweep': {
    puts: { keys: ['report.*'], why: 'writes the report' },
    gets: {
      keys: ['locations.json', 'inventory/*', 'report.json'],
      why: 'reads the inventory, and the report of the previous sweep',
    },
    lists: 'lists the inventory by cluster',
  },
};

/** Returns how a step uses the bucket; undefined for most steps. */
export const bucketUseOf = (step: StepName): { puts: boolean; gets: boolean } | undefined => {
  const { [step]: use } = USES;
  return use && { puts: use.puts !== undefined, gets: use.gets !== undefined };
};

/**
 * Of the role of the state machine Sweep. Source: Step Functions Developer Guide, "IAM policies for using Distributed
 * Map states".
 */
export const mapReads = (bucketArn: string): Grant => ({
  actions: ['s3:GetObject'],
  resources: [`${bucketArn}/sweeps/*/locations.json`],
  why: "reads the list of the sweep's locations",
});
export const mapWrites = (bucketArn: string): Grant => ({
  actions: ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
  resources: [`${bucketArn}/sweeps/*/map/*`],
  why: 'writes the results for these locations',
});

/**
 * Returns a step's grants, which are limited to the bucket and to the objects that the step uses. GetObject reports
 * that an object does not exist only to a principal that may list.
 */
export const bucketGrantsOf = (step: StepName, bucketArn: string): Grant[] => {
  const { puts, gets, lists } = USES[step] ?? {};
  const onObjects = (action: string, objects: Objects | undefined): Grant[] =>
    objects
      ? [{ actions: [action], resources: objects.keys.map((key) => `${bucketArn}/sweeps/*/${key}`), why: objects.why }]
      : [];
  return [
    ...onObjects('s3:PutObject', puts),
    ...onObjects('s3:GetObject', gets),
    ...(lists === undefined ? [] : [{ actions: ['s3:ListBucket'], resources: [bucketArn], why: lists }]),
  ];
};

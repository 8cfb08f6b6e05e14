/** What each step does in the bucket of sweeps (`lambdas/adapters/s3-documents.ts`). */
import type { StepName } from '../../lambdas/steps/schemas.ts';
import type { Grant } from './grant.ts';

interface Use {
  puts?: string;
  gets?: string;
  lists?: string;
}

const USES: Partial<Record<StepName, Use>> = {
  'begin-sweep': { puts: 'lays out the places that the sweep looks at' },
  'take-inventory': { puts: 'keeps what it found of each cluster', gets: 'goes on where an invocation before it ran out of time' },
  'report-sweep': { puts: 'writes the report', gets: 'reads what was found', lists: 'finds what was found of which cluster' },
};

/** Whether, and how, it uses the bucket; undefined for most. */
export const bucketUseOf = (step: StepName): { puts: boolean; gets: boolean } | undefined => {
  const { [step]: use } = USES;
  return use && { puts: use.puts !== undefined, gets: use.gets !== undefined };
};

/** Of the role of the state machine Sweep. Source: Step Functions Developer Guide, "IAM policies for using Distributed Map states". */
export const mapReads = (bucketArn: string): Grant => ({ actions: ['s3:GetObject'], resources: [`${bucketArn}/sweeps/*/places.json`], why: 'reads the places that the sweep looks at' });
export const mapWrites = (bucketArn: string): Grant => ({
  actions: ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
  resources: [`${bucketArn}/sweeps/*/map/*`],
  why: 'writes what became of the looks at these places',
});

/** `bucketArn`: of the bucket, to which everything is limited. GetObject of an object that is not there says so only to who may list. */
export const bucketGrantsOf = (step: StepName, bucketArn: string): Grant[] => {
  const { puts, gets, lists } = USES[step] ?? {};
  const objects = [`${bucketArn}/sweeps/*`];
  return [
    ...(puts === undefined ? [] : [{ actions: ['s3:PutObject'], resources: objects, why: puts }]),
    ...(gets === undefined ? [] : [{ actions: ['s3:GetObject'], resources: objects, why: gets }]),
    ...(lists === undefined ? [] : [{ actions: ['s3:ListBucket'], resources: [bucketArn], why: lists }]),
  ];
};

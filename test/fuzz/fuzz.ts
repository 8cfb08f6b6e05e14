/** Evaluates random documents and reports unexpected results. */
import {
  assumeRoleRequest,
  evaluate,
  type Evaluation,
  irsaRequest,
  parsePolicy,
  podIdentityRequests,
  type PolicyRequest,
  type TrustUse,
  type Verdict,
} from '../../lambdas/domain/policy/index.ts';
import { ACCOUNT, DocumentSource, type FuzzedDocument, ISSUER } from './documents.ts';
import { whyNeverAllowed } from './never-allowed.ts';

export interface FuzzTally {
  documents: number;
  /** The request that EKS Pod Identity makes for sts:AssumeRole. */
  verdicts: Record<Verdict, number>;
  failures: { document: number; problem: string; source: unknown }[];
}

const use: TrustUse = {
  clusterArn: `arn:aws:eks:eu-west-1:${ACCOUNT}:cluster/dev`,
  namespace: 'kube-system',
  serviceAccount: 'ebs-csi-controller-sa',
  oidcIssuer: `https://${ISSUER}`,
};
const caller = {
  roleArn: `arn:aws:iam::${ACCOUNT}:role/caller`,
  sessionArn: `arn:aws:sts::${ACCOUNT}:assumed-role/caller/one`,
  account: ACCOUNT,
  partition: 'aws',
  resourceAccount: ACCOUNT,
  sessionName: 'one',
  tags: { a: 'b' },
  now: 1_700_000_000_000,
};

const REQUESTS: readonly PolicyRequest[] = [
  ...podIdentityRequests(use),
  irsaRequest(use),
  irsaRequest({ ...use, oidcIssuer: undefined }),
  assumeRoleRequest(caller),
];

/**
 * A value in a policy has at least two characters and is compared with each value of its key: no request here has more
 * than six, the session tags' keys. So the steps grow at most linearly with the length of the document.
 */
const MOST_STEPS_PER_CHARACTER = 6;

const VERDICTS: readonly Verdict[] = ['allowed', 'denied', 'unknown', 'invalid'];

function problemIn(evaluation: Evaluation, { length, source }: FuzzedDocument): string | undefined {
  const { verdict, reasons, undecided, accepted, steps } = evaluation;
  if (!VERDICTS.includes(verdict)) return `unknown verdict: ${JSON.stringify(verdict)}`;
  if (reasons.length === 0 || reasons.some(({ message }) => message === '')) return `${verdict} without a reason`;
  if (verdict === 'invalid' && reasons.some(({ path = '' }) => path === '')) return 'invalid without a path';
  if (undecided.length > 0 && verdict !== 'unknown') return `${verdict}, although ${undecided.join()} is undecided`;
  if (accepted.length > 0) return `${accepted.join()} was accepted by no policy statement`;
  const never = verdict === 'allowed' ? whyNeverAllowed(source) : undefined;
  if (never !== undefined) return `allowed, although ${never}`;
  return steps > MOST_STEPS_PER_CHARACTER * length ? `${steps} steps for ${length} characters` : undefined;
}

function evaluateAll(source: unknown): Evaluation[] {
  const policy = parsePolicy(source, 'trust');
  return REQUESTS.map((request) => evaluate(policy, request));
}

function evaluateOne(document: FuzzedDocument): { verdict: Verdict; problem?: string } {
  const evaluations = evaluateAll(document.source);
  const problem = evaluations.map((one) => problemIn(one, document)).find((one) => one !== undefined);
  const verdict = evaluations[0]?.verdict ?? 'invalid';
  if (problem !== undefined) return { verdict, problem };
  const same = JSON.stringify(evaluateAll(document.source)) === JSON.stringify(evaluations);
  return same ? { verdict } : { verdict, problem: 'a second evaluation differs' };
}

/** Every document is determined by the seed and its number, so that it can be evaluated again on its own. */
export const documentOf = (seed: number, number: number): FuzzedDocument =>
  new DocumentSource(Math.imul(seed, 1_000_003) + number).next();

export function fuzz(documents: number, seed: number): FuzzTally {
  const tally: FuzzTally = { documents, verdicts: { allowed: 0, denied: 0, unknown: 0, invalid: 0 }, failures: [] };
  for (let number = 0; number < documents; number += 1) {
    const document = documentOf(seed, number);
    try {
      const { verdict, problem } = evaluateOne(document);
      tally.verdicts[verdict] += 1;
      if (problem !== undefined) tally.failures.push({ document: number, problem, source: document.source });
    } catch (error) {
      tally.failures.push({
        document: number,
        problem: error instanceof Error ? (error.stack ?? error.message) : String(error),
        source: document.source,
      });
    }
  }
  return tally;
}

export const lastLine = ({ documents, verdicts, failures }: FuzzTally): string =>
  `${documents} documents: ${verdicts.allowed} allowed, ${verdicts.denied} denied, ${verdicts.unknown} unknown, ${verdicts.invalid} invalid; ${failures.length} failures`;

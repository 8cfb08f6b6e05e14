/** Policies that people are to apply: those in the documents, and the statement that a repair of a trust policy adds. */
import { readdirSync, readFileSync } from 'node:fs';
import { parseTrust } from '../../lambdas/domain/trust/policy.ts';
import { join } from 'node:path';
import { documentsIn, isRecord } from '../../scripts/permissions/template.ts';
import { proposeRepair } from '../../lambdas/domain/trust/repair.ts';
import type { Policy, PolicyKind } from './reference.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The end of the JSON object that begins there, or undefined where its braces don't close. */
const endOfObject = (text: string, from: number): number | undefined => {
  let depth = 0;
  let isText = false;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (isText) {
      if (char === '\\') at += 1;
      else if (char === '"') isText = false;
    } else if (char === '"') isText = true;
    else if (char === '{') depth += 1;
    else if (char === '}') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Every JSON object that a text has, the outermost ones alone. */
const objectsIn = (text: string): unknown[] => {
  const objects: unknown[] = [];
  for (let at = text.indexOf('{"'); at >= 0; at = text.indexOf('{"', at + 1)) {
    const end = endOfObject(text, at);
    const object = end === undefined ? undefined : parsed(text.slice(at, end));
    if (object === undefined || end === undefined) continue;
    objects.push(object);
    at = end - 1;
  }
  return objects;
};

const fencedIn = (text: string): unknown[] =>
  [...text.matchAll(/^```json\n([^]*?)^```/gm)].map(([, block = '']) => parsed(block));

/** A policy, one in a scenario, or a statement alone. */
const policiesIn = (value: unknown): unknown[] =>
  isRecord(value) && value['Effect'] !== undefined && value['Action'] !== undefined
    ? [{ Statement: [value] }]
    : documentsIn(value);

/** One with principals is a role's trust policy. */
const kindOf = (document: unknown): PolicyKind =>
  JSON.stringify(document).includes('"Principal"') ? 'trust' : 'identity';

const documented = (): Policy[] =>
  ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', ...readdirSync(join(ROOT, 'docs')).map((file) => join('docs', file))]
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      return [...objectsIn(text), ...fencedIn(text)]
        .flatMap(policiesIn)
        .map((document) => ({ where: file, kind: kindOf(document), document }));
    });

/** Of a role that EKS can't use yet. */
const repaired = (): Policy => {
  const proposal = proposeRepair({
    trustPolicy: parseTrust(
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      }),
    ),
    target: { account: '111122223333', region: 'eu-west-1', cluster: 'dev' },
    serviceAccounts: [{ namespace: 'kube-system', serviceAccount: 'ebs-csi-controller-sa' }],
  });
  if (proposal.do !== 'repair') throw new Error(`No repair was proposed: ${JSON.stringify(proposal)}`);
  return { where: 'a repaired trust policy', kind: 'trust', document: parsed(proposal.after) };
};

export const printedPolicies = (): Policy[] => [...documented(), repaired()];

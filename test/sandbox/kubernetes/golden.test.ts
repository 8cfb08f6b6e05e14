/** The sandbox's API server gives the answers of a real one, which were recorded: test/golden/kubernetes. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compareAnswers } from '../../../conformance/kubernetes/golden/compare.ts';
import { CORPORA } from '../../../conformance/kubernetes/golden/corpus.ts';
import { playCorpus } from '../../../conformance/kubernetes/golden/play-corpus.ts';
import { covers, readReasons } from '../../../conformance/kubernetes/golden/reasons.ts';

/** How many answers of each version have the recorded status and body: it must not get less. */
const EQUAL: Record<string, number> = { '1.33': 271, '1.35': 267 };

describe.each(readdirSync(CORPORA))('answers of Kubernetes %s', async (version) => {
  const reasons = readReasons(version);
  const compared = (await playCorpus(version)).map(({ exchange: { id, answer: recorded }, answer }) => ({
    id,
    ...compareAnswers(recorded, answer),
  }));

  test.each(compared)('$id', ({ id, status, headers, body }) => {
    const unexplained = [...status, ...headers, ...body].filter(
      (difference) => !reasons.some((reason) => covers(reason, id, difference)),
    );
    expect(unexplained).toEqual([]);
  });

  test('nearly all are equal in status and body', () =>
    expect(compared.filter(({ status, body }) => status.length + body.length === 0).length).toBeGreaterThanOrEqual(
      EQUAL[version] ?? Number.POSITIVE_INFINITY,
    ));

  test.each(reasons)('a difference has the reason: $reason', (reason) => {
    const all = compared.flatMap(({ id, status, headers, body }) =>
      [...status, ...headers, ...body].map((difference) => ({ id, difference })),
    );
    expect(all.filter(({ id, difference }) => covers(reason, id, difference))).not.toEqual([]);
  });
});

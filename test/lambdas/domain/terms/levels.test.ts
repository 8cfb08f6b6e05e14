import { describe, expect, it } from 'vitest';
import { evidenceLevel } from '../../../../lambdas/domain/terms/evidence.ts';
import {
  isVerifiedOnPods,
  LEVEL_TEXTS,
  levelCounts,
  levelsText,
  verified,
  verifiedText,
} from '../../../../lambdas/domain/terms/levels.ts';
import { OUTCOMES } from '../../../../lambdas/domain/terms/outcome.ts';
import { readsPods, verificationMode } from '../../../../lambdas/domain/request/request.ts';

describe('the levels of evidence', () => {
  it('are those that a request can ask for, and none', () => {
    expect(new Set(verified.options)).toEqual(new Set([...verificationMode.options, 'none']));
    expect(verified.options.filter(isVerifiedOnPods)).toEqual(evidenceLevel.options);
    for (const verification of verificationMode.options)
      expect(isVerifiedOnPods(verification)).toBe(readsPods({ verification }));
  });

  it('say that nobody has observed a use of the credentials, if pods were inspected', () => {
    for (const level of verified.options)
      expect(LEVEL_TEXTS[level].endsWith('use of the credentials not observed')).toBe(isVerifiedOnPods(level));
    expect(LEVEL_TEXTS.api).toContain('no pod was inspected');
  });

  it('are listed with their texts', () =>
    expect(levelsText(['ready', 'none'])).toBe(
      '`ready`: stable; use of the credentials not observed. `none`: not verified.',
    ));
});

it('levels of several migrations are counted, highest first, with what none of them shows', () => {
  expect(levelCounts(['api', 'injected', 'ready', 'none', 'ready'])).toBe(
    '2 ready, 1 injected, 1 api; use of the credentials not observed',
  );
  expect([levelCounts(['none']), levelCounts([])]).toEqual([undefined, undefined]);
});

describe('how an outcome was verified', () => {
  it.each([
    ['injected', 'verified: injected (credentials configuration injected; use of the credentials not observed)'],
    ['ready', 'verified: ready (stable; use of the credentials not observed)'],
    ['api', 'verified: api (reported by EKS; no pod was inspected)'],
    ['none', 'not verified'],
  ] as const)('is named, with what the level %s shows', (level, text) =>
    expect(verifiedText({ outcome: 'migrated', verified: level })).toBe(text),
  );

  it('after a rollback is about the former identity of the pods', () => {
    for (const level of evidenceLevel.options)
      expect(verifiedText({ outcome: 'rolled-back', verified: level })).toBe('former identity verified on the pods');
    expect(verifiedText({ outcome: 'rolled-back', verified: 'api' })).toBe(
      'verified: api (reported by EKS; no pod was inspected)',
    );
  });

  it('never claims more than was observed', () => {
    for (const outcome of OUTCOMES)
      for (const level of verified.options)
        expect(verifiedText({ outcome, verified: level })).not.toMatch(/works|uses|has credentials/);
  });
});

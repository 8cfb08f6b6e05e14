/** Credentials of pods during an outage of EKS Auth or STS. */
import { describe, expect, it } from 'vitest';
import { assumeForPod, openLab, podToken } from './support.ts';

const ASSOCIATED = { association: {} };
const HOUR = 3600;

describe('an outage of EKS Auth', () => {
  const at = (after: number, seconds: number, kind = 'server-error') => ({
    faults: [{ service: 'eks-auth', after, seconds, kind }],
  });

  it('does not affect the credentials that pods have, and ends', () => {
    const lab = openLab({ ...ASSOCIATED, ...at(HOUR, HOUR) });
    lab.pass(30);
    expect(lab.has()).toMatchObject({ roleArn: expect.any(String) });
    lab.pass(HOUR);
    expect(lab.has()).not.toHaveProperty('refused');
    lab.pass(3 * HOUR);
    expect(lab.has()).not.toHaveProperty('refused');
  });

  it.each(['keeps', 'drops'])(
    'is not a refusal: credentials are kept until they expire (refusedRenewal: %s)',
    (knob) => {
      const lab = openLab({ ...ASSOCIATED, ...at(2 * HOUR, 8 * HOUR), knobs: { refusedRenewal: knob } });
      const { expiresAt = 0 } = lab.has() as { expiresAt?: number };
      lab.pass(4 * HOUR);
      // The pod would renew after three hours if EKS Auth were available.
      expect(lab.has()).toMatchObject({ expiresAt, refused: { code: 'InternalServerException', status: 500 } });
      lab.pass((expiresAt - lab.world.schedule.now()) / 1000 + 1);
      expect(lab.has()).not.toHaveProperty('roleArn');
      lab.pass(4 * HOUR);
      expect(lab.has()).toMatchObject({ roleArn: expect.any(String) });
    },
  );

  it('leaves new pods without credentials', () => {
    const lab = openLab({ ...ASSOCIATED, ...at(HOUR, HOUR, 'throttled') });
    lab.pass(HOUR + 60);
    lab.restart();
    lab.pass(10);
    expect(lab.has()).toMatchObject({ refused: { code: 'ThrottlingException', status: 429 } });
    lab.pass(HOUR);
    expect(lab.has()).toMatchObject({ roleArn: expect.any(String) });
  });

  it('has pods renew until it begins, regardless of when their state is read', () => {
    // Renewal is due three hours after the pods were ready, just before the outage; nothing has read their state since.
    const lab = openLab({ ...ASSOCIATED, ...at(3 * HOUR + 60, 5 * HOUR) });
    const first = lab.has() as { expiresAt?: number };
    lab.pass(3 * HOUR + 120);
    const now = lab.has() as { expiresAt: number };
    expect(now.expiresAt).toBeGreaterThan(first.expiresAt ?? 0);
    expect(now).not.toHaveProperty('refused');
  });

  it('returns the error on the wire, too', async () => {
    const lab = openLab({ ...ASSOCIATED, ...at(0, HOUR, 'server-error') });
    lab.pass(1);
    expect(await assumeForPod(lab, await podToken(lab))).toMatchObject({
      status: 500,
      error: 'InternalServerException',
    });
  });
});

it('an outage of STS affects pods on IRSA, but not pods on Pod Identity', () => {
  const faults = [{ service: 'sts', after: HOUR, seconds: HOUR, kind: 'lost-before' }];
  const irsa = openLab({ faults });
  const pods = openLab({ ...ASSOCIATED, faults });
  for (const lab of [irsa, pods]) {
    lab.pass(HOUR + 60);
    lab.restart();
    lab.pass(10);
  }
  expect(irsa.has()).toMatchObject({ method: 'irsa', refused: { code: 'ConnectionLost' } });
  expect(pods.has()).toMatchObject({ method: 'pod-identity', roleArn: expect.any(String) });
});

/** What pods have while EKS Auth, or STS, answers nobody. */
import { describe, expect, it } from 'vitest';
import { assumeForPod, openLab, podToken } from './support.ts';

const ASSOCIATED = { association: {} };
const HOUR = 3600;

describe('an outage of EKS Auth', () => {
  const at = (after: number, seconds: number, kind = 'server-error') => ({
    faults: [{ service: 'eks-auth', after, seconds, kind }],
  });

  it('leaves pods what they have, and is over when it is over', () => {
    const lab = openLab({ ...ASSOCIATED, ...at(HOUR, HOUR) });
    lab.pass(30);
    expect(lab.has()).toMatchObject({ roleArn: expect.any(String) });
    lab.pass(HOUR);
    expect(lab.has()).not.toHaveProperty('refused');
    lab.pass(3 * HOUR);
    expect(lab.has()).not.toHaveProperty('refused');
  });

  it.each(['keeps', 'drops'])('is no refusal: what was fetched is kept to its end (refusedRenewal: %s)', (knob) => {
    const lab = openLab({ ...ASSOCIATED, ...at(2 * HOUR, 8 * HOUR), knobs: { refusedRenewal: knob } });
    const { expiresAt = 0 } = lab.has() as { expiresAt?: number };
    lab.pass(4 * HOUR);
    // Renewed from three hours on, if EKS Auth answered.
    expect(lab.has()).toMatchObject({ expiresAt, refused: { code: 'InternalServerException', status: 500 } });
    lab.pass((expiresAt - lab.world.schedule.now()) / 1000 + 1);
    expect(lab.has()).not.toHaveProperty('roleArn');
    lab.pass(4 * HOUR);
    expect(lab.has()).toMatchObject({ roleArn: expect.any(String) });
  });

  it('gives new pods nothing', () => {
    const lab = openLab({ ...ASSOCIATED, ...at(HOUR, HOUR, 'throttled') });
    lab.pass(HOUR + 60);
    lab.restart();
    lab.pass(10);
    expect(lab.has()).toMatchObject({ refused: { code: 'ThrottlingException', status: 429 } });
    lab.pass(HOUR);
    expect(lab.has()).toMatchObject({ roleArn: expect.any(String) });
  });

  it('lets pods renew until the moment when it begins, whoever looks when', () => {
    // Due three hours after the pods were ready: just before the outage, and nobody has looked since the start.
    const lab = openLab({ ...ASSOCIATED, ...at(3 * HOUR + 60, 5 * HOUR) });
    const first = lab.has() as { expiresAt?: number };
    lab.pass(3 * HOUR + 120);
    const now = lab.has() as { expiresAt: number };
    expect(now.expiresAt).toBeGreaterThan(first.expiresAt ?? 0);
    expect(now).not.toHaveProperty('refused');
  });

  it('answers on the wire so, too', async () => {
    const lab = openLab({ ...ASSOCIATED, ...at(0, HOUR, 'server-error') });
    lab.pass(1);
    expect(await assumeForPod(lab, await podToken(lab))).toMatchObject({
      status: 500,
      error: 'InternalServerException',
    });
  });
});

describe('an outage of STS', () => {
  it('is one of pods on IRSA, and not of those on Pod Identity', () => {
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
});

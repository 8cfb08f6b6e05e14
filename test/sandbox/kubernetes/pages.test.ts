import { describe, expect, test } from 'vitest';
import { DEPLOYMENT, ebsWith, newEbsLab, restartPatch, strategic, type Lab } from './support.ts';

const PODS = '/api/v1/namespaces/kube-system/pods';
const podsPage = (lab: Lab, query: Record<string, string>) =>
  lab.call('GET', PODS, { query: { limit: '3', ...query } });
const names = ({ body }: Awaited<ReturnType<Lab['call']>>) => body.items.map(({ metadata }) => metadata.name);
const newLab = () => newEbsLab({ objects: ebsWith({ replicas: 6 }) });

/** Returns the names on all pages that follow a token. */
const rest = async (lab: Lab, token: string | undefined, query: Record<string, string> = {}): Promise<string[]> => {
  if (token === undefined) return [];
  const page = await podsPage(lab, { continue: token, ...query });
  expect(page.status).toBe(200);
  return [...names(page), ...(await rest(lab, page.body.metadata.continue, query))];
};

describe('pages of one list', () => {
  test('show the state at the time of the first page, despite later changes', async () => {
    const lab = newLab();
    const all = names(await lab.call('GET', PODS));
    const before = new Map((await lab.call('GET', PODS)).body.items.map((pod) => [pod.metadata.name, pod]));
    const first = await podsPage(lab, {});
    await lab.call('PATCH', DEPLOYMENT, { headers: strategic, body: restartPatch('x') });
    lab.pass(100);
    expect(names(await lab.call('GET', PODS))).not.toEqual(all);

    expect([...names(first), ...(await rest(lab, first.body.metadata.continue))]).toEqual(all);
    const second = await podsPage(lab, { continue: first.body.metadata.continue! });
    for (const pod of second.body.items) expect(pod).toEqual(before.get(pod.metadata.name));
    expect(second.body.metadata).toMatchObject({
      resourceVersion: first.body.metadata.resourceVersion,
      remainingItemCount: all.length - 6,
    });
    expect(second.body.items[0]).not.toHaveProperty('kind');
  });

  test('can be read again, with other sizes, and as tables', async () => {
    const lab = newLab();
    const all = names(await lab.call('GET', PODS));
    const token = (await podsPage(lab, {})).body.metadata.continue!;
    expect([await rest(lab, token), await rest(lab, token, { limit: '1' })]).toEqual([all.slice(3), all.slice(3)]);
    expect(await rest(lab, token, { limit: '100' })).toEqual(all.slice(3));
    const { body } = await lab.call('GET', PODS, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
      query: { limit: '2', continue: token },
    });
    expect(body).toMatchObject({
      kind: 'Table',
      rows: [
        { cells: [all[3], '2/2', 'Running', '0', '24h', expect.any(String), expect.any(String), '<none>', '<none>'] },
        { cells: expect.arrayContaining([all[4]]) },
      ],
    });
  });

  test('of objects without a namespace continue, too', async () => {
    const lab = newLab();
    const page = (query: Record<string, string>) => lab.call('GET', '/api/v1/namespaces', { query });
    const first = await page({ limit: '1' });
    const others = await page({ continue: first.body.metadata.continue! });
    expect([...names(first), ...names(others)]).toEqual(names(await page({})));
  });

  test('with a selector contain what was selected at that time', async () => {
    const lab = newLab();
    const selector = { labelSelector: 'app=ebs-csi-controller' };
    const first = await podsPage(lab, selector);
    const all = names(await lab.call('GET', PODS, { query: selector }));
    lab.pods('ebs-csi-controller').forEach((pod) => (pod.metadata.labels = {}));
    expect([...names(first), ...(await rest(lab, first.body.metadata.continue, selector))]).toEqual(all);
  });

  test('of lists at different times are independent', async () => {
    const lab = newLab();
    const one = await podsPage(lab, {});
    await lab.call('DELETE', `${PODS}/${names(await lab.call('GET', PODS)).at(-1)}`, {
      query: { gracePeriodSeconds: '0' },
    });
    const two = await podsPage(lab, {});
    const [ofOne, ofTwo] = [await rest(lab, one.body.metadata.continue), await rest(lab, two.body.metadata.continue)];
    expect(ofOne).toHaveLength(6);
    expect(ofTwo).toEqual(ofOne.slice(0, -1));
  });
});

describe('an expired token', () => {
  const TEXT =
    /^The provided continue parameter is too old to display a consistent list result\. You can start a new list without the continue parameter, or use the continue token in this response/;

  test('after five minutes returns Expired, with a token that continues with the current state', async () => {
    const lab = newLab();
    const all = names(await lab.call('GET', PODS));
    const token = (await podsPage(lab, {})).body.metadata.continue!;
    lab.pass(300);
    expect((await podsPage(lab, { continue: token })).status).toBe(200);
    lab.pass(1);
    const last = all.at(-1)!;
    await lab.call('DELETE', `${PODS}/${last}`, { query: { gracePeriodSeconds: '0' } });
    const { status, body } = await podsPage(lab, { continue: token });
    expect(status).toBe(410);
    expect(body).toMatchObject({ kind: 'Status', reason: 'Expired', code: 410, message: expect.stringMatching(TEXT) });
    expect(await rest(lab, body.metadata.continue)).toEqual(all.slice(3, -1));
  });

  test('after many other unfinished lists', async () => {
    const lab = newLab();
    const token = (await podsPage(lab, {})).body.metadata.continue!;
    for (let n = 0; n < 32; n += 1) {
      expect((await podsPage(lab, { continue: token })).status).toBe(200);
      await lab.call('PATCH', DEPLOYMENT, {
        headers: strategic,
        body: { metadata: { annotations: { n: String(n) } } },
      });
      await podsPage(lab, {});
    }
    expect((await podsPage(lab, { continue: token })).status).toBe(410);
    expect(lab.cluster.kube.snapshots).toHaveLength(32);
  });

  test('of another list', async () => {
    const lab = newLab();
    const token = (await podsPage(lab, {})).body.metadata.continue!;
    expect((await lab.call('GET', '/api/v1/pods', { query: { limit: '3', continue: token } })).status).toBe(410);
  });
});

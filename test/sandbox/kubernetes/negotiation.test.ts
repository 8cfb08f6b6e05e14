import { describe, expect, test } from 'vitest';
import { newEbsLab } from './support.ts';

const ACCOUNTS = '/api/v1/namespaces/kube-system/serviceaccounts';
const DEFAULT = `${ACCOUNTS}/default`;
const get = (path: string, accept: string) => newEbsLab().call('GET', path, { headers: { accept } });
const metadata = (kind: string, version = 'v1') => `application/json;as=${kind};v=${version};g=meta.k8s.io`;

describe('the representation of an answer', () => {
  test.each(['', '*/*', 'application/*', 'application/json', 'application/vnd.kubernetes.protobuf,application/json'])(
    'is JSON for the media types "%s"',
    async (accept) => expect((await get(DEFAULT, accept)).raw.headers['content-type']).toBe('application/json'),
  );

  test('can be YAML, also of an error', async () => {
    const { text, raw } = await get(`${ACCOUNTS}/none`, 'application/yaml');
    expect(raw.headers['content-type']).toBe('application/yaml');
    expect(text).toMatch(
      /^apiVersion: v1\ncode: 404\ndetails:\n {2}kind: serviceaccounts\n {2}name: none\nkind: Status\n/,
    );
  });

  test('is the one of the highest quality', async () =>
    expect((await get(DEFAULT, 'application/json;q=0.5, application/yaml')).raw.headers['content-type']).toBe(
      'application/yaml',
    ));

  test.each(['v1', 'v1beta1'])('can be the metadata alone, in version %s', async (version) => {
    expect((await get(DEFAULT, metadata('PartialObjectMetadata', version))).body).toMatchObject({
      kind: 'PartialObjectMetadata',
      apiVersion: `meta.k8s.io/${version}`,
      metadata: { name: 'default' },
    });
    const { body } = await get(ACCOUNTS, metadata('PartialObjectMetadataList', version));
    expect(body).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}` });
    expect(body.items[0]).toMatchObject({ kind: 'PartialObjectMetadata' });
  });
});

describe('a request that accepts nothing that is served', () => {
  test.each([
    [ACCOUNTS, 'text/html', /^406: Not Acceptable\n\nAvailable representations: .*protobuf;stream=watch$/],
    [DEFAULT, 'text/html', /^406: Not Acceptable\n\nAvailable representations: .*protobuf$/],
    [DEFAULT, 'application/json;as=Thing;v=v1;g=meta.k8s.io', /^only the following media types are accepted: /],
    [DEFAULT, metadata('PartialObjectMetadataList'), /not a list \(\*v1.ServiceAccount\)$/],
    [ACCOUNTS, metadata('PartialObjectMetadata'), /is a list \(\*v1.ServiceAccountList\)$/],
  ])('%s as %s', async (path, accept, message) =>
    expect((await get(path, accept)).body).toMatchObject({
      code: 406,
      reason: 'NotAcceptable',
      message: expect.stringMatching(message),
    }),
  );

  test('uses its next choice, if it has one', async () => {
    const accept = 'application/json;as=Thing;v=v1;g=meta.k8s.io,application/json';
    expect((await get(DEFAULT, accept)).body).toMatchObject({ kind: 'ServiceAccount' });
  });
});

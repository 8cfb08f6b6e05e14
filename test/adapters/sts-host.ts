/** What the pinned SDK says of STS: the test's measure, and nothing that is shipped. */
import { STSClient } from '@aws-sdk/client-sts';

/** The host that the SDK's client calls in a region. */
export async function stsHost(region: string): Promise<string> {
  const client = new STSClient({ region, credentials: { accessKeyId: 'A', secretAccessKey: 'S' } });
  const resolve = client.config.endpointProvider;
  client.destroy();
  return resolve({ Region: region, UseFIPS: false, UseDualStack: false, UseGlobalEndpoint: false }).url.host;
}

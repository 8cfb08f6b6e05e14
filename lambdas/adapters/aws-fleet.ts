import { type EKSClient, paginateListClusters } from '@aws-sdk/client-eks';
import type { Fleet } from '../ports/fleet.ts';
import { aws } from './aws-errors.ts';

/** EKS of a location, with the AWS SDK. */
export class AwsFleet implements Fleet {
  private readonly client: EKSClient;

  constructor(client: EKSClient) {
    this.client = client;
  }

  async listClusters(): Promise<string[]> {
    const names: string[] = [];
    await aws('eks:ListClusters', async () => {
      for await (const page of paginateListClusters({ client: this.client }, {})) names.push(...(page.clusters ?? []));
    });
    return names;
  }
}

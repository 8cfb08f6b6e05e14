/** Text objects in an S3 bucket. */
import { GetObjectCommand, ListObjectsV2Command, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { MigrationError } from '../domain/failures/errors.ts';
import type { Documents } from '../ports/documents.ts';
import { aws } from './aws-errors.ts';
import type { ClientFactory } from './clients.ts';

export interface S3DocumentsOptions {
  client: () => S3Client;
  /** Called only when needed; may throw if this function has no bucket. */
  bucket: () => string;
}

export class S3Documents implements Documents {
  private readonly options: S3DocumentsOptions;

  constructor(options: S3DocumentsOptions) {
    this.options = options;
  }

  async put(key: string, text: string, type: string): Promise<void> {
    const { client, bucket } = this.options;
    await aws(`s3:PutObject ${key}`, () =>
      client().send(new PutObjectCommand({ Bucket: bucket(), Key: key, Body: text, ContentType: type })),
    );
  }

  async get(key: string): Promise<string | undefined> {
    const { client, bucket } = this.options;
    try {
      return await aws(`s3:GetObject ${key}`, async () => {
        const { Body } = await client().send(new GetObjectCommand({ Bucket: bucket(), Key: key }));
        return await Body?.transformToString('utf-8');
      });
    } catch (error) {
      if (error instanceof MigrationError && error.cause instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async list(prefix: string, after?: string): Promise<{ keys: string[]; more: boolean }> {
    const { client, bucket } = this.options;
    const answer = await aws(`s3:ListObjectsV2 ${prefix}`, () =>
      client().send(
        new ListObjectsV2Command({
          Bucket: bucket(),
          Prefix: prefix,
          ...(after === undefined ? {} : { StartAfter: after }),
        }),
      ),
    );
    return { keys: (answer.Contents ?? []).flatMap(({ Key }) => Key ?? []), more: answer.IsTruncated === true };
  }
}

/**
 * Settings of every client: path-style addresses for the sandbox, and no checksums, because TLS suffices for small text
 * objects.
 */
export const S3_SETTINGS = {
  forcePathStyle: true,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
} as const;

/** Returns the objects of a bucket. Only functions that import this module have S3's client in their bundles. */
export const s3Documents = (clients: ClientFactory, bucket: () => string): Documents =>
  new S3Documents({ client: () => clients.one('s3', (config) => new S3Client({ ...config, ...S3_SETTINGS })), bucket });

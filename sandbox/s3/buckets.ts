/** The objects of the application's buckets, with authorization; used by S3's API and by services that access S3. */
import { hostOf } from '../../lambdas/domain/aws/partitions.ts';
import { createHash } from 'node:crypto';
import type { AssemblyBucket } from '../assembly/buckets.ts';
import { Random } from '../random.ts';
import type { BucketState, ObjectState, OlderVersion, World } from '../world/world.ts';
import { refusalOf, type S3Permission, type S3Caller } from './authorization.ts';
import { noSuchBucket, noSuchKey, S3Error } from './errors.ts';

export interface ListOptions {
  prefix?: string | undefined;
  delimiter?: string | undefined;
  /** Only keys after this one are listed; it need not exist. */
  after?: string | undefined;
  maxKeys: number;
}

export interface Listing {
  /** Objects in the order of their keys' UTF-8 bytes. */
  objects: (ObjectState & { key: string })[];
  /** Common prefixes of keys up to the delimiter, without duplicates; they replace the keys. */
  prefixes: string[];
  /** The next page starts after this key or prefix; undefined for the last page. */
  next?: string;
}

/** Maximum in UTF-8 bytes (Amazon S3 API Reference, "Object key naming"). */
const LONGEST_KEY = 1024;
const [VERSION_ID_LENGTH, VERSION_ID_CHARACTERS] = [
  32,
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._',
];
/** Separates the ids of this class from the world's random sequence. */
const OWN_STREAM = 0x76_65_72;
const DEFAULT_TYPE = 'binary/octet-stream';

export class Buckets {
  private readonly world: World;
  private readonly clock: { now(): number };
  private readonly known: Map<string, AssemblyBucket>;
  private readonly ids: Random;

  /** Creates the buckets in the world, empty. */
  constructor({
    world,
    clock,
    buckets,
  }: {
    world: World;
    clock: { now(): number };
    buckets: readonly AssemblyBucket[];
  }) {
    this.world = world;
    this.clock = clock;
    this.ids = new Random(world.seed ^ OWN_STREAM);
    this.known = new Map(buckets.map((bucket) => [bucket.name, bucket]));
    for (const { name, account, region, isVersioned } of buckets)
      world.buckets.set(name, {
        account,
        region,
        objects: new Map(),
        ...(isVersioned ? { older: new Map(), deleted: new Map() } : {}),
      });
  }

  /** Throws S3Error. */
  put(by: S3Caller, bucketName: string, key: string, body: Uint8Array, contentType = DEFAULT_TYPE): ObjectState {
    const bucket = this.open(by, bucketName, { action: 's3:PutObject', key });
    if (Buffer.byteLength(key) > LONGEST_KEY) throw new S3Error(400, 'KeyTooLongError', 'Your key is too long');
    // The body is copied: a view of the caller's buffer would change with it.
    const object: ObjectState = {
      body: Buffer.from(body),
      contentType,
      etag: createHash('md5').update(body).digest('hex'),
      modifiedAt: this.clock.now(),
      ...this.nextVersion(bucket, key),
    };
    bucket.objects.set(key, object);
    return object;
  }

  /**
   * Returns an object. Throws S3Error: for a missing object, NoSuchKey only for callers that may list the bucket
   * (Amazon S3 API Reference, GetObject, "Permissions"); others get AccessDenied for s3:ListBucket
   * (schubergphilis/terraform-aws-mcaf-securityhub-findings-manager#64).
   */
  get(by: S3Caller, bucketName: string, key: string): ObjectState {
    const { objects, deleted } = this.open(by, bucketName, { action: 's3:GetObject', key });
    const object = objects.get(key);
    if (object) return object;
    this.open(by, bucketName, { action: 's3:ListBucket' });
    const marker = deleted?.get(key);
    throw noSuchKey(key, marker === undefined ? {} : { 'x-amz-delete-marker': 'true', 'x-amz-version-id': marker });
  }

  /**
   * Deletes an object, which need not exist. A bucket with versioning keeps it as an older version and gets a delete
   * marker, whose version id is returned. Throws S3Error.
   */
  delete(by: S3Caller, bucketName: string, key: string): { deleteMarker?: string } {
    const bucket = this.open(by, bucketName, { action: 's3:DeleteObject', key });
    const { versionId } = this.nextVersion(bucket, key);
    bucket.objects.delete(key);
    if (versionId === undefined) return {};
    bucket.deleted?.set(key, versionId);
    return { deleteMarker: versionId };
  }

  /**
   * In a bucket with versioning, moves the current version of a key to its older versions, and returns a new version
   * id. Source: Amazon S3 User Guide, "How S3 Versioning works".
   */
  private nextVersion({ objects, older, deleted }: BucketState, key: string): { versionId?: string } {
    if (!older) return {};
    const [object, marker] = [objects.get(key), deleted?.get(key)];
    const before: OlderVersion[] = object ? [object] : marker ? [{ versionId: marker, isDeleteMarker: true }] : [];
    older.set(key, [...(older.get(key) ?? []), ...before]);
    deleted?.delete(key);
    return { versionId: this.ids.string(VERSION_ID_LENGTH, VERSION_ID_CHARACTERS) };
  }

  /** Throws S3Error. */
  list(by: S3Caller, bucketName: string, { prefix, delimiter, after, maxKeys }: ListOptions): Listing {
    const context = {
      ...(prefix === undefined ? {} : { 's3:prefix': prefix }),
      ...(delimiter === undefined ? {} : { 's3:delimiter': delimiter }),
      's3:max-keys': String(maxKeys),
    };
    const { objects } = this.open(by, bucketName, { action: 's3:ListBucket', context });
    const keys = [...objects.keys()]
      .filter((key) => key.startsWith(prefix ?? ''))
      .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    const listing: Listing = { objects: [], prefixes: [] };
    const prefixes = new Set<string>();
    let last: string | undefined;
    for (const key of keys) {
      const at = delimiter === undefined || delimiter === '' ? -1 : key.indexOf(delimiter, (prefix ?? '').length);
      const entry = at === -1 ? key : key.slice(0, at + (delimiter ?? '').length);
      // After a page that ended with a common prefix, the next page skips all keys with that prefix.
      if (
        after !== undefined &&
        (Buffer.compare(Buffer.from(entry), Buffer.from(after)) <= 0 || (at !== -1 && after.startsWith(entry)))
      )
        continue;
      if (prefixes.has(entry)) continue;
      if (listing.objects.length + prefixes.size >= maxKeys)
        return { ...listing, prefixes: [...prefixes], ...(last === undefined ? {} : { next: last }) };
      const object = objects.get(key);
      if (at !== -1) prefixes.add(entry);
      else if (object) listing.objects.push({ key, ...object });
      last = entry;
    }
    return { ...listing, prefixes: [...prefixes] };
  }

  /**
   * Returns a bucket. Throws S3Error if the caller lacks the permission. A missing bucket, and the region of a bucket
   * that was requested in the wrong one, are reported to every caller.
   */
  private open(by: S3Caller, name: string, permission: S3Permission): BucketState {
    const [bucket, state] = [this.known.get(name), this.world.buckets.get(name)];
    if (!bucket || !state) throw noSuchBucket(name);
    if (bucket.region !== by.region) {
      throw new S3Error(
        301,
        'PermanentRedirect',
        'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.',
        {
          Endpoint: `${name}.${hostOf('s3', bucket.region)}`,
          Bucket: name,
        },
      );
    }
    const refusal = refusalOf(this.world, bucket, permission, by);
    if (refusal !== undefined) throw new S3Error(403, 'AccessDenied', refusal);
    return state;
  }
}

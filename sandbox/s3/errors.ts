/** An S3 error (Amazon S3 API Reference, "Error responses"). */
export class S3Error extends Error {
  override readonly name: string;
  readonly status: number;
  /** Elements of the response in addition to code and message. */
  readonly details: Record<string, string>;
  /** Additional headers of the response. */
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    code: string,
    message: string,
    details: Record<string, string> = {},
    headers: Record<string, string> = {},
  ) {
    super(message);
    this.name = code;
    this.status = status;
    this.details = details;
    this.headers = headers;
  }
}

export const noSuchBucket = (bucket: string): S3Error =>
  new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist', { BucketName: bucket });
/** `headers`: additional headers for a key whose newest version is a delete marker. */
export const noSuchKey = (key: string, headers: Record<string, string> = {}): S3Error =>
  new S3Error(404, 'NoSuchKey', 'The specified key does not exist.', { Key: key }, headers);
export const invalidArgument = (name: string, value: string, message: string): S3Error =>
  new S3Error(400, 'InvalidArgument', message, { ArgumentName: name, ArgumentValue: value });
/** Returns the error for anything that the sandbox's S3 does not support, beginning with S3's own message. */
export const notImplemented = (what: string): S3Error =>
  new S3Error(
    501,
    'NotImplemented',
    `A header you provided implies functionality that is not implemented: the sandbox's S3 does not support ${what}.`,
  );

/** `x` is a digit, `y` a digit whose first two bits are 10: RFC 9562, section 5.4. */
const UUID_FORM = 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx';
const HEX_DIGITS = '0123456789abcdef';
const VARIANTS = '89ab';
/** The characters of the last UUID. Each call needs one, so it is built in place. */
const uuidBytes = Buffer.from(UUID_FORM, 'latin1');

/** Seeded randomness: every id, token and jitter of the sandbox comes from here, so that a seed replays a run. */
export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** Uniform in [0, 1): mulberry32, public domain (Tommy Ettinger). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** Uniform integer in [0, bound). */
  integer(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  string(length: number, alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'): string {
    // Built in one piece rather than by concatenation: concatenated strings stay in pieces in memory, and a world keeps
    // thousands of ids.
    const codes: number[] = [];
    for (let index = 0; index < length; index += 1) codes.push(alphabet.charCodeAt(this.integer(alphabet.length)));
    return String.fromCharCode(...codes);
  }

  /** Version 4 UUID. */
  uuid(): string {
    for (let index = 0; index < UUID_FORM.length; index += 1) {
      const form = UUID_FORM[index];
      const digits = form === 'x' ? HEX_DIGITS : form === 'y' ? VARIANTS : undefined;
      if (digits) uuidBytes[index] = digits.charCodeAt(this.integer(digits.length));
    }
    return uuidBytes.toString('latin1');
  }

  /** Returns an independent generator, so that one consumer of randomness does not shift another's sequence. */
  fork(): Random {
    return new Random(this.integer(4_294_967_296));
  }
}

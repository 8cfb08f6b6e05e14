/**
 * Dates in conditions: the W3C profile of ISO 8601, or seconds since 1970.
 * Source: IAM User Guide, "Date condition operators", and https://www.w3.org/TR/NOTE-datetime.
 */

/** A time in milliseconds since 1970. A year, month or day is a span; any other time has `end` equal to `start`. */
export interface Moment {
  start: number;
  /** The first millisecond after a span. */
  end: number;
}

const form = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?)?)?$/;

const MINUTE = 60_000;

/** Returns the minutes ahead of UTC. */
function offsetMinutes(zone: string): number | undefined {
  if (zone === 'Z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))];
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

const utc = (year: number, month: number, day: number): number => new Date(0).setUTCFullYear(year, month - 1, day);

function isoMoment(text: string): Moment | undefined {
  const found = form.exec(text);
  if (!found) return undefined;
  const [year, month, day, hour, minute, second] = found
    .slice(1, 7)
    .map((part) => (part === undefined ? undefined : Number(part)));
  const [fraction, zone] = [found[7], found[8]];
  if (year === undefined) return undefined;
  if (month === undefined) return { start: utc(year, 1, 1), end: utc(year + 1, 1, 1) };
  if (month < 1 || month > 12) return undefined;
  if (day === undefined) return { start: utc(year, month, 1), end: utc(year, month + 1, 1) };
  const midnight = utc(year, month, day);
  if (day < 1 || midnight >= utc(year, month + 1, 1)) return undefined;
  if (hour === undefined || minute === undefined || zone === undefined)
    return { start: midnight, end: utc(year, month, day + 1) };
  const ahead = offsetMinutes(zone);
  if (hour > 23 || minute > 59 || (second ?? 0) > 59 || ahead === undefined) return undefined;
  const start = midnight + (hour * 60 + minute - ahead) * MINUTE + (second ?? 0) * 1000 + Number(fraction ?? 0) * 1000;
  return { start, end: start };
}

/**
 * Reads a date. Four digits are a year. Twelve or more digits are not read: they would be a time thousands of years from
 * now, or milliseconds.
 */
export function readDate(text: string): Moment | undefined {
  if (/^\d{5,11}$|^\d{1,3}$/.test(text)) return { start: Number(text) * 1000, end: Number(text) * 1000 };
  return isoMoment(text);
}

/**
 * Compares two dates. Returns a negative number if `a` is before `b`, 0 for the same instant, and undefined if one is a
 * span that contains the other, since how IAM compares them is not documented.
 */
export function compareDates(a: Moment, b: Moment): number | undefined {
  if (a.start === a.end && b.start === b.end) return a.start - b.start;
  if (a.start < b.start && a.end <= b.start) return -1;
  if (b.start < a.start && b.end <= a.start) return 1;
  return undefined;
}

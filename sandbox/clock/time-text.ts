const MINUTE = 60_000;

/** The last minute, and its text up to the seconds. */
let last = { minute: Number.NaN, text: '' };

/**
 * Returns a time, in milliseconds since 1970, as `Date.prototype.toISOString` does. Most calls of a world come in the
 * same minute as the call before them.
 */
export const timeText = (time: number): string => {
  const minute = Math.floor(time / MINUTE);
  if (minute !== last.minute) last = { minute, text: new Date(minute * MINUTE).toISOString().slice(0, -7) };
  const milliseconds = Math.floor(time) - minute * MINUTE;
  const seconds = Math.floor(milliseconds / 1000);
  const rest = milliseconds - seconds * 1000;
  return `${last.text}${seconds < 10 ? '0' : ''}${seconds}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`;
};

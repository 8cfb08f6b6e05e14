/** Ages in tables. */

/** Formats a duration as Kubernetes does, with one or two units (k8s.io/apimachinery, util/duration). */
const humanDuration = (seconds: number): string => {
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  return days < 730 ? `${days}d` : `${Math.floor(days / 365)}y${days % 365 === 0 ? '' : `${days % 365}d`}`;
};

/** Returns how long ago a time was. `now`: milliseconds since 1970. */
export const since = (time: string, now: number): string =>
  humanDuration(Math.max(0, Math.floor((now - Date.parse(time)) / 1000)));

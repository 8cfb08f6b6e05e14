/** Returns a duration such as `840 ms`, `42 s`, `3 min 05 s` or `1 h 02 min`; whole seconds from one second up. */
export const duration = (milliseconds: number): string => {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  const two = (value: number): string => String(value).padStart(2, '0');
  return minutes < 60
    ? `${minutes} min ${two(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
};

export const between = (start: string, end: string): string => duration(Date.parse(end) - Date.parse(start));

/** Returns the time of day in UTC: `09:01:12`. */
export const timeOfDay = (iso: string): string => new Date(iso).toISOString().slice(11, 19);

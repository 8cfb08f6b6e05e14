/** Bytes of an object, an array or a number, and of a key. */
const BOX = 16;

/** Returns about how many bytes of memory a value takes. It does not recurse, since the value's depth is not limited. */
export function weightOf(value: unknown): number {
  const open = [value];
  let weight = 0;
  while (open.length > 0) {
    const one = open.pop();
    weight += BOX;
    if (typeof one === 'string') weight += one.length;
    else if (Array.isArray(one)) for (const item of one) open.push(item);
    else if (typeof one === 'object' && one !== null)
      for (const key of Object.keys(one)) {
        weight += BOX + key.length;
        open.push((one as Record<string, unknown>)[key]);
      }
  }
  return weight;
}

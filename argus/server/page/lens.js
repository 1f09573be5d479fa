// What all charts look through together: where the cursor stands. (The zoom is in the address.)

const listeners = new Set();

export const cursor = { x: null }; // on the x axis, in its own units; null: nowhere

/** Move the cursor of all charts. */
export function point(x) {
  if (cursor.x === x) return;
  cursor.x = x;
  for (const listener of [...listeners]) listener();
}

/** Call `listener` when the cursor has moved. */
export function onCursor(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

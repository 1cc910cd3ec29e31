/** Numbers, sizes and times as text. */

const WHOLE = new Intl.NumberFormat("en");
const TENTHS = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** @param {number | null | undefined} value */
export function whole(value) {
  return value === null || value === undefined ? "–" : WHOLE.format(value);
}

/** @param {number} value */
export function tenths(value) {
  return TENTHS.format(value);
}

/**
 * Return a count with its noun: "1 event", "2 events".
 *
 * @param {number} count
 * @param {string} noun
 */
export function counted(count, noun) {
  return `${WHOLE.format(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** @param {number} size Bytes. */
export function bytes(size) {
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${TENTHS.format(size)} ${unit === 0 && size === 1 ? "byte" : UNITS[unit]}`;
}

/** @param {number | null | undefined} seconds */
export function age(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 1) return "now";
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h`;
  return counted(Math.floor(whole / 86400), "day");
}

/** @param {string | null | undefined} text Time in ISO format. */
export function clock(text) {
  const time = new Date(text ?? "");
  if (Number.isNaN(time.getTime())) return "–";
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** @param {string | null | undefined} text Time in ISO format. */
export function dateAndTime(text) {
  const time = new Date(text ?? "");
  if (Number.isNaN(time.getTime())) return "–";
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock(text)}`;
}

/** @param {string | null | undefined} text Time in ISO format. */
export function isToday(text) {
  return new Date(text ?? "").toDateString() === new Date().toDateString();
}

/** @param {number} value */
function two(value) {
  return String(value).padStart(2, "0");
}

/** The place of the first error in a text that should be JSON. Browsers name it in different words, or not at all. */

const TOKEN = /[ \t\n\r]*(?:([[\]{}:,])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y;

/**
 * The token that JSON allows next: a value, a value or the end of an array, a key or the end of an object, a key, a
 * colon, or a comma or the end of the open array or object.
 *
 * @typedef {"value" | "value]" | "key}" | "key" | ":" | ",end"} Expected
 */

/**
 * Return the index of the first character that JSON does not allow.
 *
 * @param {string} text Text that `JSON.parse` refuses.
 */
export function errorIndex(text) {
  /** @type {string[]} */
  const open = [];
  /** @type {Expected} */
  let expected = "value";
  let index = 0;
  for (;;) {
    TOKEN.lastIndex = index;
    const match = TOKEN.exec(text);
    const start = index + (/^[ \t\n\r]*/.exec(text.slice(index, index + 10_000))?.[0].length ?? 0);
    if (match === null) return start;
    const next = after(expected, match[1] ?? (match[2] === undefined ? "literal" : "string"), open);
    if (next === null) return start;
    expected = next;
    index = TOKEN.lastIndex;
  }
}

/**
 * Return the tokens that JSON allows after a token; null if the token itself is not allowed.
 *
 * @param {Expected} expected
 * @param {string} token
 * @param {string[]} open Brackets that are open, which this function changes.
 * @returns {Expected | null}
 */
function after(expected, token, open) {
  const wantsValue = expected === "value" || expected === "value]";
  if (wantsValue && (token === "{" || token === "[")) {
    open.push(token);
    return token === "{" ? "key}" : "value]";
  }
  if (wantsValue && (token === "string" || token === "literal")) return ",end";
  if ((expected === "key}" || expected === "key") && token === "string") return ":";
  if (expected === ":" && token === ":") return "value";
  if (expected === ",end" && token === "," && open.length > 0) return open[open.length - 1] === "{" ? "key" : "value";
  const ends = expected === ",end" || (expected === "value]" && token === "]") || (expected === "key}" && token === "}");
  const bracket = { "]": "[", "}": "{" }[token];
  if (!ends || bracket === undefined || open[open.length - 1] !== bracket) return null;
  open.pop();
  return ",end";
}

/**
 * Text in which every character can be seen.
 *
 * An event can contain characters without a width, and characters that turn the direction of the text after them. They
 * are shown by their number, so that two names that differ also look different.
 */

// Controls except tab and line breaks, soft hyphen, marks of direction, joiners without a width, tags, lone surrogates.
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/**
 * Return nodes that show a text.
 *
 * @param {string} text
 * @returns {Node[]}
 */
export function visibleText(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > from) nodes.push(document.createTextNode(text.slice(from, match.index)));
    const mark = document.createElement("span");
    mark.className = "hidden-character";
    mark.textContent = label(match[0]);
    nodes.push(mark);
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(document.createTextNode(text.slice(from)));
  return nodes;
}

/**
 * Return a text in which hidden characters are replaced by their numbers, for attributes and titles.
 *
 * @param {string} text
 */
export function plainText(text) {
  return text.replace(HIDDEN, (character) => `[${label(character)}]`);
}

/** @param {string} character */
function label(character) {
  const code = character.codePointAt(0) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

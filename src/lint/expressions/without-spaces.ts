/** An expression without the white space between its tokens, to tell whether two differ in more than layout. */
export function withoutSpaces(text: string): string {
  let kept = "";
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quote === "" && /\s/.test(character)) continue;
    kept += character;
    if (quote !== "" && character === "\\") kept += text.charAt(++at);
    else if (quote === character) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) quote = character;
  }
  return kept;
}

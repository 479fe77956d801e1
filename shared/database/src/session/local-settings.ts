/** The names of the settings that a text sets for its transaction; null for one that its row decides. */
export function localSettings(text: string, parameters: readonly unknown[]): (string | null)[] {
  const names: (string | null)[] = []
  for (const [, set, constant, parameter] of text.matchAll(
    /\bset\s+local\s+"?([\w.]+)|set_config"?\s*\(\s*(?:'([^']*)'|\$(\d+))/gi,
  ))
    names.push((set ?? constant ?? (parameter && String(parameters[Number(parameter) - 1]))) || null)
  return names
}

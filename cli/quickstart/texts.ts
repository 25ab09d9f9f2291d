// What the quickstart says, and the texts it classifies.

/** Not in the example's files. */
export const NEW_TEXTS = [
  "You took the money for my subscription twice this month",
  "The app closes by itself whenever I open the settings",
  "My parcel says delivered but nothing has arrived",
];

export function heading(): string {
  return "\nSoftgate: from a CSV to a classifier behind an HTTP API.\n\n";
}

/** "3 upload     train.csv: …", further lines under the text. */
export function step(number: number, name: string, lines: readonly string[]): string {
  const indent = " ".repeat(13);
  return `${`${number} ${name}`.padEnd(13)}${lines.join(`\n${indent}`)}\n`;
}

/** The call quickstart made, for a shell. */
export function curlLine(url: string, key: string, body: object): string {
  return [
    `curl -s ${url}/v1/classify`,
    `-H "Authorization: Bearer ${key}"`,
    `-H "Content-Type: application/json"`,
    `-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`,
  ].join(" \\\n    ");
}

export function byHand(curl: string): string {
  return `\nThe same call by hand:\n\n  ${curl}\n\n`;
}

export function nextSteps(url: string, key: string): string {
  return `Still serving on ${url}; Ctrl-C stops it. Next, from another terminal, with a CSV of your own
(columns text and label, at least 4 rows a label):

  export KEY=${key}
  curl -s ${url}/v1/datasets -H "Authorization: Bearer $KEY" -F file=@yours.csv
  curl -s ${url}/v1/adapters -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
    -d '{"name":"yours","datasetId":"ID FROM THE ANSWER"}'
  curl -s ${url}/v1/jobs/JOBID -H "Authorization: Bearer $KEY"

Then classify as above with "adapterId":"yours". README.md has the whole session.
`;
}

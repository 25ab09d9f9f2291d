// What a deployment may set → checked settings. Wrong ones end the synthesis with a sentence that names the setting.

export interface Settings {
  readonly stackName: string;
  /** What npm run lambda assembled. */
  readonly functionFolder: string;
  readonly memoryMegabytes: number;
  /** Instances that are kept started; 0 for none. */
  readonly provisionedConcurrency: number;
  /** Instances at most; none without: as many as the account has. */
  readonly concurrencyMax?: number;
  /** The Secrets Manager secret that is a Postgres URL. Without one nobody trains beside the function. */
  readonly databaseSecretArn?: string;
  /** Of trainers: an image of infra/Dockerfile in a registry. */
  readonly trainerImage?: string;
  /** GPUs of a trainer; 0 trains on CPUs. */
  readonly trainerGpus: number;
  /** Gets alarms by mail. */
  readonly alarmEmail?: string;
}

export function readSettings(get: (name: string) => unknown): Settings {
  const text = (name: string) => {
    const value = get(name);
    return value === undefined || value === "" ? undefined : String(value);
  };
  const whole = (name: string, [fallback, min, max]: readonly [number, number, number]) => {
    const value = Number(text(name) ?? fallback);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new Error(`-c ${name}= must be a whole number from ${min} to ${max}.`);
  };
  const optional = <Name extends string>(name: Name) => {
    const value = text(name);
    return (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: string };
  };
  const settings = {
    stackName: text("stackName") ?? "Softgate",
    functionFolder: text("functionFolder") ?? "../../dist/lambda/function",
    memoryMegabytes: whole("memoryMegabytes", [1_769, 512, 10_240]),
    provisionedConcurrency: whole("provisionedConcurrency", [0, 0, 1_000]),
    ...(text("concurrencyMax") !== undefined && { concurrencyMax: whole("concurrencyMax", [1, 1, 10_000]) }),
    trainerGpus: whole("trainerGpus", [1, 0, 8]),
    ...optional("databaseSecretArn"),
    ...optional("trainerImage"),
    ...optional("alarmEmail"),
  };
  if (settings.trainerImage !== undefined && settings.databaseSecretArn === undefined) {
    throw new Error("-c trainerImage= needs -c databaseSecretArn=: trainers take their jobs from Postgres.");
  }
  return settings;
}

// In an image without a shell: exit code 0 while the server is ready. The port is that of the image's own command.
const port = process.env.SOFTGATE_HEALTH_PORT ?? "8080";

try {
  const { status } = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) });
  process.exitCode = status === 200 ? 0 : 1;
} catch {
  process.exitCode = 1;
}

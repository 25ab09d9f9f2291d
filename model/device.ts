// What runs the ops of a graph. Serving is on the CPU; a training may be elsewhere.

export const DEVICES = ["cpu", "cuda", "webgpu"] as const;
export type Device = (typeof DEVICES)[number];

export const DEVICE_CHOICES = ["auto", ...DEVICES] as const;
export type DeviceChoice = (typeof DEVICE_CHOICES)[number];

/** How long tests wait for what must come, in milliseconds: far more than it takes, for a machine may have other things to do. */
export const PATIENCE = Number(process.env["HUDDLE_PATIENCE"] ?? 240_000);

/** What this party alone chose, as the worker wants it: what was left open is left out. */
import type { LocalSettings } from "../../core/protocol";
import type { Files } from "./files";
import type { Settings } from "./keeping";
import { tidied } from "./names";

export function local(settings: Settings, privateArgs: readonly string[], inputs: Files, pseudonym: boolean): LocalSettings {
  const { name, networks, grace, stall, maxQueue } = settings;
  return {
    name: tidied(name),
    ...(networks.length > 0 ? { networks: [...networks] } : {}),
    ...(privateArgs.length > 0 ? { privateArgs: [...privateArgs] } : {}),
    ...(Object.keys(inputs).length > 0 ? { inputs } : {}),
    ...(pseudonym ? { pseudonym } : {}),
    ...(grace === undefined ? {} : { grace }),
    ...(stall === undefined ? {} : { stall }),
    ...(maxQueue === undefined ? {} : { maxQueue: Math.round(maxQueue * 2 ** 20) }),
  };
}

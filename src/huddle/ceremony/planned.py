"""What a host can propose at all, known before anybody is there."""

from collections.abc import Iterable, Mapping

from huddle.ceremony.manifest import MAX_CEREMONY, Manifest, ManifestError, read, version_differences
from huddle.ceremony.messages import MAX_PARTIES, Options, Software
from huddle.codec import encode
from huddle.errors import LocalError


def check_planned(
    manifest: Manifest,
    files: Mapping[str, bytes],
    options: Options,
    parties: int | None,
    software: Iterable[Software],
) -> None:
    """Raise LocalError where others would refuse this; `parties` None: any number."""
    try:
        read(encode(manifest))
        if not options.files_follow:
            manifest.check_files(files)
    except ManifestError as exc:
        raise LocalError(f"the program cannot be proposed: {exc}") from exc
    threshold = manifest.flags.threshold
    if parties is not None and threshold is not None and 2 * threshold >= parties:
        raise LocalError(
            f"threshold {threshold} needs {2 * threshold + 1} parties", hint="Choose a lower --threshold."
        )
    if parties is not None and not 2 <= parties <= MAX_PARTIES:
        raise LocalError(f"a session has 2 to {MAX_PARTIES} parties, not {parties}")
    if not options.files_follow and manifest.size > MAX_CEREMONY:
        raise LocalError(f"{manifest.size} bytes of files are too many to send before the session is sealed")
    if version_differences(host=software, guest=manifest.versions):
        raise LocalError("the manifest names other versions than this party has")

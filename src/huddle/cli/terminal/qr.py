"""An invitation as a picture for the camera of a phone."""

import io


def qr_code(text: str, width: int, height: int | None = None) -> str:
    """The text as a QR code of half blocks; empty where it is wider or higher than that many cells."""
    import segno  # only a host needs it

    code = segno.make(text, error="l")
    side = code.symbol_size(border=2)[0]
    if side > width or (height is not None and (side + 1) // 2 > height):
        return ""
    picture = io.StringIO()
    code.terminal(out=picture, compact=True, border=2)
    return picture.getvalue()

"""A program to be read on the whole screen, with search; `q` goes back to the question."""

from prompt_toolkit.application import Application
from prompt_toolkit.filters import has_focus
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.bindings import scroll
from prompt_toolkit.layout import HSplit, Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.widgets import SearchToolbar, TextArea

from huddle.cli.terminal.region import Region

_KEYS = " q back  / search  n next  arrows Space PgUp PgDn Home End"


async def read(text: str, region: Region) -> None:
    """Show the text, which is harmless already, until the person goes back."""
    search = SearchToolbar()
    # What prompt_toolkit binds to keys in a text that can't be changed is `/`, `?`, `n` and `N`, as in less.
    area = TextArea(text, read_only=True, scrollbar=True, wrap_lines=True, search_field=search)
    keys = KeyBindings()
    reading = has_focus(area)
    for key in ("q", "c-c"):
        keys.add(key, filter=reading)(lambda event: event.app.exit())
    for key in ("space", "pagedown"):
        keys.add(key, filter=reading)(scroll.scroll_page_down)
    for key in ("b", "pageup"):
        keys.add(key, filter=reading)(scroll.scroll_page_up)
    keys.add("home", filter=reading)(lambda event: _go(event, 0))
    keys.add("end", filter=reading)(lambda event: _go(event, len(area.text)))
    foot = Window(FormattedTextControl(_KEYS), height=1, style="reverse")
    pager: Application[None] = Application(
        layout=Layout(HSplit([area, search, foot]), focused_element=area),
        key_bindings=keys,
        full_screen=True,
        input=region.input,
        output=region.output,
    )
    async with region.covered():
        await pager.run_async(handle_sigint=False, set_exception_handler=False)


def _go(event: KeyPressEvent, where: int) -> None:
    event.current_buffer.cursor_position = where

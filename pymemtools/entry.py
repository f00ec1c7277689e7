"""Where the program starts: signals first, so that Ctrl-C during the imports is not a traceback either."""

import _signal as signal  # type: ignore[import-not-found]  # signal itself takes ten times as long, for its enums
import gc


def main() -> None:
    """Run the command line, and end the way Unix programs end."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as for the background jobs of a script
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, as some launchers leave it, no child can be waited for
    gc.set_threshold(100_000)  # what the imports make is no garbage; to look for some took a tenth of their time
    from pymemtools.cli import run

    run()

"""The WebRTC behind the network `webrtc`: aiolibdatachannel's, or in a browser its page's.

`native` and `browser` offer the same, and nobody else asks where they are:

    available, check    whether there is one, and why not
    Connection          one RTCPeerConnection; `opened` is done when its channel 0 is open
    Channel             one data channel, ordered and reliable
"""

import sys

if sys.platform == "emscripten":
    from huddle.networks.webrtc import browser as library
else:
    from huddle.networks.webrtc import native as library

Channel = library.Channel
Connection = library.Connection
available = library.available
check = library.check

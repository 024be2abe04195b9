"""What the gateway counts."""

from stoa.runtime.metrics_series import CountSeries, GaugeSeries

SOCKETS = GaugeSeries("stoa_gateway_sockets", "Open sockets.")
ROOMS = GaugeSeries("stoa_gateway_channels", "Channels that somebody hears.")
ROOM_LEFT = GaugeSeries("stoa_gateway_sockets_left", "Sockets that the limit of open files still allows.")
BUS_UP = GaugeSeries("stoa_gateway_bus_up", "Gateways that reach their bus.")
EVENTS = CountSeries("stoa_gateway_events", "Durable events told to a channel's subscribers.")
POISON = CountSeries("stoa_gateway_poison_events", "Events that could not be sent and were passed over.")
CLOSED = CountSeries("stoa_gateway_closed", "Sockets closed by the gateway, by code.", ("code",))
REFUSED = CountSeries("stoa_gateway_refused_frames", "Client frames answered with an error, by its code.", ("code",))
DROPPED = CountSeries("stoa_gateway_dropped_frames", "Ephemeral frames that gave way to durable ones.")

"""What a handshake costs a battery, on paper: nothing here was measured with an ammeter.

The board's instructions, one a cycle at 240 MHz, and the round trips of a Wi-Fi network of
20 ms, all of it with the radio receiving: 110 mA at 3.3 V, from the table "Current Consumption
Depending on RF Modes" of Espressif's datasheet of the ESP32-PICO modules. Sending takes more,
the processor adds to it, and joining the network comes before: real figures are higher.
"""

HERTZ = 240e6
AMPERE = 0.110
VOLT = 3.3
ROUND_TRIP = 0.020  # s
ROUND_TRIPS = {
    "TLS 1.2, full": 2,
    "TLS 1.2, resumed": 1,
    "TLS 1.3, full": 1,
    "TLS 1.3, resumed": 1,
}


def figures(board):
    """Millijoules of each handshake, from the figures of bench_board.py: `{name: value}`."""
    found = {}
    for name, value in board.items():
        how, _, what = name.partition(": ")
        kind = ", ".join(how.split(", ")[:2])
        if what == "instructions" and kind in ROUND_TRIPS:
            seconds = value / HERTZ + ROUND_TRIPS[kind] * ROUND_TRIP
            found[how] = 1000 * seconds * AMPERE * VOLT
    return found

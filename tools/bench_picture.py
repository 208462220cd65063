"""The picture of the README: a full handshake and a resumed one, in work and in bytes."""

WIDTH, LEFT, LONGEST, HIGH = 760, 96, 540, 26
COLORS = {"full": "#d9902f", "resumed": "#2e9e6b"}
GREY = "#7d8590"  # legible on white and on black
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
    ' font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">'
)


def draw(path, board, wire, chain):
    """Write the SVG to `path`; `board` and `wire` as bench_board.py and bench_wire.py give them,
    `chain` the name of a certificate chain."""
    full, resumed = f"TLS 1.2, full, {chain}", "TLS 1.2, resumed"
    work = [board[f"{name}: instructions"] / 1e6 for name in (full, resumed)]
    sent = [wire[f"{name}: bytes"] for name in (full, resumed)]
    title = "Reconnecting with TLS: a full handshake, and a resumed one"
    body = [
        HEAD.format(width=WIDTH, height=270),
        f"<title>{title}</title>",
        _text(8, 24, title, GREY, 20, weight=600),
        *_pair(66, "work of a Cortex-M3, million instructions", work, "{:.1f}"),
        *_pair(174, "bytes on the wire", sent, "{:,}"),
        "</svg>",
    ]
    path.write_text("\n".join(body) + "\n")


def _pair(top, title, values, form):
    yield _text(8, top, title, GREY, 15)
    for number, (name, value) in enumerate(zip(COLORS, values, strict=True)):
        y = top + 12 + number * (HIGH + 8)
        long = max(3, round(LONGEST * value / max(values)))
        yield _text(LEFT - 12, y + 18, name, GREY, 15, anchor="end")
        yield (
            f'<rect x="{LEFT}" y="{y}" width="{long}" height="{HIGH}" rx="3"'
            f' fill="{COLORS[name]}"/>'
        )
        yield _text(LEFT + long + 10, y + 19, form.format(value), COLORS[name], 17, weight=600)


def _text(x, y, text, color, size, anchor="start", weight=400):
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{color}"'
        f' text-anchor="{anchor}">{text}</text>'
    )

"""PEM to DER: MicroPython's Mbed TLS reads DER only, unless a port says otherwise."""

from binascii import a2b_base64


def to_der(data, label):
    """The DER blocks in `data` (str or bytes) whose PEM label ends with `label` (bytes).

    Data that is not PEM is taken for DER. Raises ValueError for PEM without such a block.
    """
    if isinstance(data, str):
        data = data.encode()
    if not isinstance(data, (bytes, bytearray)) or b"-----BEGIN " not in data:
        return [data]
    blocks = []
    for part in bytes(data).split(b"-----BEGIN ")[1:]:
        name, _, body = part.partition(b"-----")
        body, end, _ = body.partition(b"-----END")
        if name.endswith(label):
            if not end:
                raise ValueError("PEM without an END line")
            blocks.append(a2b_base64(body))
    if not blocks:
        raise ValueError("PEM without a " + label.decode())
    return blocks

"""fastavro as a peer: see scripts/peers for what it is asked."""

import datetime
import decimal
import io
import json
import struct
import sys
import uuid

import fastavro

decimal.getcontext().prec = 100
DAY0 = datetime.date(1970, 1, 1).toordinal()
EPOCH = datetime.datetime(1970, 1, 1)


def native(schema, named, v):
    """The value of Python that fastavro takes for a value of a request."""
    if isinstance(schema, list):
        branch = schema[v[0]]
        name = branch["type"] if isinstance(branch, dict) else branch
        if name in ("record", "enum", "fixed"):
            name = branch["name"]
        return (name, native(branch, named, v[1]))
    if isinstance(schema, str):
        if schema in named:
            return native(named[schema], named, v)
        schema = {"type": schema}
    kind, logical = schema["type"], schema.get("logicalType")
    if isinstance(kind, (dict, list)):
        return native(kind, named, v)
    if logical:
        return meant(schema, logical, v)
    if kind in ("record", "enum", "fixed"):
        named[schema["name"]] = schema
    if kind == "float":
        return struct.unpack(">f", bytes.fromhex(v))[0]
    if kind == "double":
        return struct.unpack(">d", bytes.fromhex(v))[0]
    if kind in ("bytes", "fixed"):
        return bytes.fromhex(v)
    if kind == "array":
        return [native(schema["items"], named, x) for x in v]
    if kind == "map":
        return {k: native(schema["values"], named, x) for k, x in v}
    if kind == "record":
        return {f["name"]: native(f["type"], named, x) for f, x in zip(schema["fields"], v, strict=True)}
    return v


def meant(schema, logical, v):
    """The value of a logical type: Python's own where it has one that reaches so far."""
    if logical == "decimal":
        return decimal.Decimal(v)
    if logical == "uuid":
        return uuid.UUID(v).bytes if schema["type"] == "fixed" else uuid.UUID(v)
    if logical == "duration":
        return bytes.fromhex(v)
    try:
        if logical == "date":
            return datetime.date.fromordinal(v + DAY0)
        if logical.startswith("time-"):
            micros = v * 1000 if logical == "time-millis" else v
            return (EPOCH + datetime.timedelta(microseconds=micros)).time()
        if logical.endswith("-nanos"):
            return v
        at = EPOCH + datetime.timedelta(microseconds=v * 1000 if logical.endswith("-millis") else v)
        return at if logical.startswith("local-") else at.replace(tzinfo=datetime.timezone.utc)
    except (OverflowError, ValueError):
        return v


def main():
    out = sys.stdout.buffer
    schema = parsed = None
    for line in sys.stdin.buffer:
        request = json.loads(line)
        status, answer = 0, b""
        try:
            if "schema" in request:
                schema = request["schema"]
                parsed = fastavro.parse_schema(schema)
            else:
                to = io.BytesIO()
                fastavro.schemaless_writer(to, parsed, native(schema, {}, request["write"]))
                answer = to.getvalue()
        except Exception as e:  # whatever it says is the answer
            status, answer = 1, f"{type(e).__name__}: {e}".encode()
        out.write(struct.pack(">BI", status, len(answer)) + answer)
        out.flush()


main()

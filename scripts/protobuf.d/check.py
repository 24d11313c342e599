"""Compares rows with what Python's runtime of Protobuf reads: see scripts/protobuf."""

import base64
import json
import pathlib
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor as F

ABSENT = object()


def bits(x):
    return str(struct.unpack("<q", struct.pack("<d", x))[0])


def is_map(field):
    return field.is_repeated and field.message_type is not None and field.message_type.GetOptions().map_entry


def as_json(message):
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def default_json(field):
    """The default of proto2, which the text of a message has no place for."""
    v = field.default_value
    if field.type == F.TYPE_BYTES:
        return base64.b64encode(v).decode()
    if field.type == F.TYPE_ENUM:
        return field.enum_type.values_by_number[v].name
    if field.cpp_type in (F.CPPTYPE_INT64, F.CPPTYPE_UINT64):
        return str(v)
    return v


def cell(message, path, kind):
    """What a column should hold: ABSENT for null, else its text, or a value of JSON."""
    for i, step in enumerate(path):
        field = message.DESCRIPTOR.fields_by_name.get(step)
        if field is None:
            return ABSENT
        last = i == len(path) - 1
        if not last and field.is_repeated:
            items = getattr(message, step)
            return ABSENT if path[i + 1] >= len(items) else value(field, items[path[i + 1]], kind)
        if field.has_presence and not message.HasField(step):
            if not last or not field.has_default_value:
                return ABSENT
            if kind == "json":
                return default_json(field)
        if last:
            if kind == "json":
                got = as_json(message)[step]
                return ABSENT if got is None else got
            return value(field, getattr(message, step), kind)
        message = getattr(message, step)
    return ABSENT


def value(field, v, kind):
    if field.message_type is not None:
        name = field.message_type.full_name
        if name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
            return v.ToJsonString()
        return value(v.DESCRIPTOR.fields_by_name["value"], v.value, kind)
    if kind in ("double", "float"):
        return bits(float(v))
    if kind == "boolean":
        return str(int(v))
    if kind == "binary":
        return base64.b64encode(v if isinstance(v, bytes) else v.encode()).decode()
    if kind.startswith("decimal"):
        return str(v * 1000)
    if field.type == F.TYPE_ENUM:
        known = field.enum_type.values_by_number.get(v)
        return known.name if known else str(v)
    return str(v)


def floats(x):
    """A value of JSON with its numbers as floats, the smallest of 32 bits as the float that they are:
    Python writes more digits of those than they need."""
    if isinstance(x, bool) or x is None:
        return x
    if isinstance(x, (int, float)):
        small = 1e-46 < abs(x) < 1.1754944e-38
        return struct.unpack("<f", struct.pack("<f", x))[0] if small else float(x)
    if isinstance(x, list):
        return [floats(v) for v in x]
    if isinstance(x, dict):
        return {k: floats(v) for k, v in x.items()}
    return x


def main():
    rows = files = wrong = 0
    for name in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
        case = json.loads(name.read_text())
        files += 1
        pool = descriptor_pool.DescriptorPool()
        for one in descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(case["files"])).file:
            pool.Add(one)
        cls = message_factory.GetMessageClass(pool.FindMessageTypeByName(case["message"]))
        for n, row in enumerate(case["rows"]):
            rows += 1
            if row["cells"] is None:
                continue
            message = cls.FromString(base64.b64decode(row["value"]))
            for column, got in zip(case["columns"], row["cells"], strict=True):
                want = cell(message, column["path"], column["type"])
                if want is ABSENT:
                    same = got is None
                elif got is None:
                    same = False
                elif column["type"] == "json":
                    same = floats(json.loads(got)) == floats(want)
                else:
                    same = got == want
                if not same:
                    wrong += 1
                    if wrong <= 10:
                        print(f"{name.name} row {n} column {column}: got {got!r}, Python has {want if want is not ABSENT else None!r}: {row['value']}")
    print(f"{rows} records of {files} schemas, {wrong} values differ")
    sys.exit(1 if wrong else 0)


main()

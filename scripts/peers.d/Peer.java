import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.avro.Conversions;
import org.apache.avro.Schema;
import org.apache.avro.data.TimeConversions;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericEnumSymbol;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.message.BinaryMessageEncoder;

/** Java's Avro as a peer: see scripts/peers for what it is asked. */
public class Peer {
  static final ObjectMapper JSON = new ObjectMapper();
  static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  static final GenericData DATA = new GenericData();

  Schema writer;
  Schema reader;
  GenericDatumWriter<Object> out;
  GenericDatumReader<Object> in;
  BinaryMessageEncoder<Object> objects;

  public static void main(String[] args) throws IOException {
    DATA.addLogicalTypeConversion(new Conversions.DecimalConversion());
    DATA.addLogicalTypeConversion(new Conversions.UUIDConversion());
    DATA.addLogicalTypeConversion(new TimeConversions.DateConversion());
    DATA.addLogicalTypeConversion(new TimeConversions.TimeMillisConversion());
    DATA.addLogicalTypeConversion(new TimeConversions.TimeMicrosConversion());
    DATA.addLogicalTypeConversion(new TimeConversions.TimestampMillisConversion());
    DATA.addLogicalTypeConversion(new TimeConversions.TimestampMicrosConversion());
    DATA.addLogicalTypeConversion(new TimeConversions.LocalTimestampMillisConversion());
    DATA.addLogicalTypeConversion(new TimeConversions.LocalTimestampMicrosConversion());
    Peer peer = new Peer();
    DataOutputStream to = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 16));
    BufferedReader from = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 16);
    for (String line; (line = from.readLine()) != null; ) {
      int status = 0;
      byte[] answer;
      try {
        answer = peer.answer(JSON.readTree(line));
      } catch (Exception e) { // whatever it says is the answer
        status = 1;
        answer = e.toString().getBytes(StandardCharsets.UTF_8);
      }
      to.writeByte(status);
      to.writeInt(answer.length);
      to.write(answer);
      if (!from.ready()) {
        to.flush();
      }
    }
    to.flush();
  }

  byte[] answer(JsonNode request) throws IOException {
    Map.Entry<String, JsonNode> one = request.properties().iterator().next();
    switch (one.getKey()) {
      case "schema":
        writer = new Schema.Parser().parse(one.getValue().toString());
        out = new GenericDatumWriter<>(writer, DATA);
        objects = new BinaryMessageEncoder<>(DATA, writer);
        return new byte[0];
      case "reader":
        reader = new Schema.Parser().parse(one.getValue().toString());
        in = new GenericDatumReader<>(writer, reader);
        return new byte[0];
      case "write":
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
        out.write(fromRequest(writer, one.getValue()), encoder);
        encoder.flush();
        return bytes.toByteArray();
      case "object":
        ByteBuffer b = objects.encode(fromRequest(writer, one.getValue()));
        byte[] object = new byte[b.remaining()];
        b.get(object);
        return object;
      case "read":
        BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(HexFormat.of().parseHex(one.getValue().asText()), null);
        Object value = in.read(null, decoder);
        if (!decoder.isEnd()) {
          throw new IOException("bytes are left behind the datum");
        }
        return toAnswer(reader, value).toString().getBytes(StandardCharsets.UTF_8);
      default:
        throw new IOException("unknown request " + one.getKey());
    }
  }

  static Object fromRequest(Schema s, JsonNode v) {
    if (s.getLogicalType() != null) {
      return meant(s, v);
    }
    switch (s.getType()) {
      case NULL:
        return null;
      case BOOLEAN:
        return v.asBoolean();
      case INT:
        return v.asInt();
      case LONG:
        return v.asLong();
      case FLOAT:
        return Float.intBitsToFloat(Integer.parseUnsignedInt(v.asText(), 16));
      case DOUBLE:
        return Double.longBitsToDouble(Long.parseUnsignedLong(v.asText(), 16));
      case BYTES:
        return ByteBuffer.wrap(HexFormat.of().parseHex(v.asText()));
      case FIXED:
        return new GenericData.Fixed(s, HexFormat.of().parseHex(v.asText()));
      case STRING:
        return v.asText();
      case ENUM:
        return new GenericData.EnumSymbol(s, v.asText());
      case ARRAY:
        List<Object> items = new ArrayList<>();
        v.forEach(x -> items.add(fromRequest(s.getElementType(), x)));
        return items;
      case MAP:
        Map<String, Object> map = new LinkedHashMap<>();
        v.forEach(x -> map.put(x.get(0).asText(), fromRequest(s.getValueType(), x.get(1))));
        return map;
      case UNION:
        return fromRequest(s.getTypes().get(v.get(0).asInt()), v.get(1));
      default:
        GenericData.Record record = new GenericData.Record(s);
        for (int i = 0; i < v.size(); i++) {
          record.put(i, fromRequest(s.getFields().get(i).schema(), v.get(i)));
        }
        return record;
    }
  }

  /** The value of a logical type: Java's own where a conversion for it is known. */
  static Object meant(Schema s, JsonNode v) {
    switch (s.getLogicalType().getName()) {
      case "decimal":
        return new BigDecimal(v.asText());
      case "uuid":
        return UUID.fromString(v.asText());
      case "date":
        return LocalDate.ofEpochDay(v.asInt());
      case "time-millis":
        return LocalTime.ofNanoOfDay(v.asLong() * 1_000_000);
      case "time-micros":
        return LocalTime.ofNanoOfDay(v.asLong() * 1000);
      case "timestamp-millis":
        return Instant.ofEpochMilli(v.asLong());
      case "timestamp-micros":
        return micros(v.asLong());
      case "local-timestamp-millis":
        return LocalDateTime.ofInstant(Instant.ofEpochMilli(v.asLong()), ZoneOffset.UTC);
      case "local-timestamp-micros":
        return LocalDateTime.ofInstant(micros(v.asLong()), ZoneOffset.UTC);
      case "duration":
        return new GenericData.Fixed(s, HexFormat.of().parseHex(v.asText()));
      default:
        return v.asLong();
    }
  }

  static Instant micros(long x) {
    return Instant.ofEpochSecond(Math.floorDiv(x, 1_000_000L), Math.floorMod(x, 1_000_000L) * 1000);
  }

  static JsonNode toAnswer(Schema s, Object v) throws JsonProcessingException {
    switch (s.getType()) {
      case NULL:
        return NODES.nullNode();
      case BOOLEAN:
        return NODES.booleanNode((Boolean) v);
      case INT:
      case LONG:
        return NODES.numberNode(((Number) v).longValue());
      case FLOAT:
        return new TextNode(String.format("%08x", Float.floatToRawIntBits((Float) v)));
      case DOUBLE:
        return new TextNode(String.format("%016x", Double.doubleToRawLongBits((Double) v)));
      case BYTES:
        ByteBuffer b = ((ByteBuffer) v).duplicate();
        byte[] bytes = new byte[b.remaining()];
        b.get(bytes);
        return new TextNode(HexFormat.of().formatHex(bytes));
      case FIXED:
        return new TextNode(HexFormat.of().formatHex(((GenericFixed) v).bytes()));
      case STRING:
        return new TextNode(v.toString());
      case ENUM:
        return new TextNode(((GenericEnumSymbol<?>) v).toString());
      case ARRAY:
        ArrayNode items = NODES.arrayNode();
        for (Object x : (List<?>) v) {
          items.add(toAnswer(s.getElementType(), x));
        }
        return items;
      case MAP:
        ArrayNode pairs = NODES.arrayNode();
        for (Map.Entry<?, ?> e : ((Map<?, ?>) v).entrySet()) {
          pairs.add(NODES.arrayNode().add(e.getKey().toString()).add(toAnswer(s.getValueType(), e.getValue())));
        }
        return pairs;
      case UNION:
        int i = GenericData.get().resolveUnion(s, v);
        return NODES.arrayNode().add(i).add(toAnswer(s.getTypes().get(i), v));
      default:
        ArrayNode fields = NODES.arrayNode();
        for (Schema.Field f : s.getFields()) {
          fields.add(toAnswer(f.schema(), ((IndexedRecord) v).get(f.pos())));
        }
        return fields;
    }
  }
}

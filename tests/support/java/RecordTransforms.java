import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.runtime.ConnectMetrics;
import org.apache.kafka.connect.runtime.SinkConnectorConfig;
import org.apache.kafka.connect.runtime.TransformationStage;
import org.apache.kafka.connect.runtime.isolation.Plugins;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.util.ConnectorTaskId;

/**
 * Reads a JSON list of cases {config, record} from standard input, sends each record through the transformation chain that
 * Kafka Connect's own runtime builds from the config, and writes the list of results {record | dropped | config_error |
 * error} to standard output. Keys, values and headers stand as {schema, payload}, Connect's JSON envelope; without a schema,
 * what JSON cannot say is tagged: {"$type": "int32", "value": 5}.
 */
public final class RecordTransforms {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final JsonNodeFactory NODES = JsonNodeFactory.withExactBigDecimals(true);
    private static final JsonConverter CONVERTER = new JsonConverter();
    private static final ConnectorTaskId TASK = new ConnectorTaskId("recorded", 0);

    public static void main(String[] arguments) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err);  // where what is logged goes
        CONVERTER.configure(Map.of("schemas.enable", "true", "replace.null.with.default", "false"), false);
        Map<String, String> worker = Map.of(
                "bootstrap.servers", "127.0.0.1:1",
                "key.converter", JsonConverter.class.getName(),
                "value.converter", JsonConverter.class.getName(),
                "offset.storage.file.filename", "unused",
                "plugin.discovery", "service_load");
        Plugins plugins = new Plugins(worker);
        ConnectMetrics metrics = new ConnectMetrics("recorder", new StandaloneConfig(worker), Time.SYSTEM, "none");
        ArrayNode results = NODES.arrayNode();
        for (JsonNode recorded : MAPPER.readTree(System.in)) {
            results.add(result(plugins, metrics, recorded));
        }
        out.write(MAPPER.writeValueAsBytes(results));
        out.flush();
        System.exit(0);
    }

    private static ObjectNode result(Plugins plugins, ConnectMetrics metrics, JsonNode recorded) {
        List<TransformationStage<SinkRecord>> stages;
        try {
            Map<String, String> config = new HashMap<>(Map.of(
                    "name", "recorded", "topics", "any",
                    "connector.class", "org.apache.kafka.connect.tools.MockSinkConnector"));
            recorded.get("config").properties().forEach(entry -> config.put(entry.getKey(), entry.getValue().asText()));
            stages = new SinkConnectorConfig(plugins, config).transformationStages(plugins, TASK, metrics);
        } catch (RuntimeException refusal) {
            return NODES.objectNode().set("config_error", NODES.textNode(innermost(refusal)));
        }
        SinkRecord record = record(recorded.get("record"));
        try {
            for (TransformationStage<SinkRecord> stage : stages) {
                record = record == null ? null : stage.apply(record);
            }
            ObjectNode result = NODES.objectNode();
            return record == null ? result.put("dropped", true) : result.set("record", json(record));
        } catch (RuntimeException failure) {
            return NODES.objectNode().set("error", NODES.textNode(innermost(failure)));
        } finally {
            stages.forEach(TransformationStage::close);
        }
    }

    private static String innermost(Throwable thrown) {
        Throwable cause = thrown;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getClass().getSimpleName() + ": " + cause.getMessage();
    }

    private static SinkRecord record(JsonNode json) {
        SchemaAndValue key = data(json.get("key"));
        SchemaAndValue value = data(json.get("value"));
        ConnectHeaders headers = new ConnectHeaders();
        for (JsonNode header : json.get("headers")) {
            headers.add(header.get("name").asText(), data(header));
        }
        JsonNode timestamp = json.get("timestamp");
        return new SinkRecord(
                json.get("topic").asText(), json.get("partition").asInt(),
                key.schema(), key.value(), value.schema(), value.value(), json.get("offset").asLong(),
                timestamp.isNull() ? null : timestamp.asLong(), TimestampType.CREATE_TIME, headers);
    }

    private static SchemaAndValue data(JsonNode json) {
        ObjectNode envelope = NODES.objectNode().<ObjectNode>set("schema", json.get("schema")).set("payload", json.get("payload"));
        byte[] bytes = envelope.toString().getBytes(StandardCharsets.UTF_8);
        return CONVERTER.toConnectData("any", bytes);
    }

    private static ObjectNode json(SinkRecord record) {
        ObjectNode json = NODES.objectNode();
        json.put("topic", record.topic());
        json.put("partition", record.kafkaPartition());
        json.put("offset", record.kafkaOffset());
        json.put("timestamp", record.timestamp());
        json.set("key", envelope(record.keySchema(), record.key()));
        json.set("value", envelope(record.valueSchema(), record.value()));
        ArrayNode headers = json.putArray("headers");
        for (Header header : record.headers()) {
            headers.add(NODES.objectNode().put("name", header.key()).setAll(envelope(header.schema(), header.value())));
        }
        return json;
    }

    private static ObjectNode envelope(Schema schema, Object value) {
        ObjectNode envelope = NODES.objectNode();
        envelope.set("schema", schema == null ? NODES.nullNode() : CONVERTER.asJsonSchema(schema));
        envelope.set("payload", schema == null ? untyped(value) : typed(schema, value));
        return envelope;
    }

    /** As JsonConverter writes it, but a null stays a null, be it required or with a default. */
    private static JsonNode typed(Schema schema, Object value) {
        if (value == null) {
            return NODES.nullNode();
        }
        if (value instanceof Struct struct) {
            ObjectNode fields = NODES.objectNode();
            for (Field field : struct.schema().fields()) {
                fields.set(field.name(), typed(field.schema(), struct.getWithoutDefault(field.name())));
            }
            return fields;
        }
        if (value instanceof List<?> list) {
            ArrayNode items = NODES.arrayNode();
            list.forEach(item -> items.add(item(schema.valueSchema(), item)));
            return items;
        }
        if (value instanceof Map<?, ?> map && map.isEmpty()) {
            return NODES.objectNode();
        }
        if (value instanceof Map<?, ?> map && schema.keySchema().type() == Schema.Type.STRING) {
            ObjectNode entries = NODES.objectNode();
            new TreeMap<>(map).forEach((key, item) -> entries.set(key.toString(), item(schema.valueSchema(), item)));
            return entries;
        }
        if (value instanceof Map<?, ?> map) {
            ArrayNode pairs = NODES.arrayNode();
            map.forEach((key, item) -> pairs.add(NODES.arrayNode()
                    .add(typed(schema.keySchema(), key)).add(typed(schema.valueSchema(), item))));
            return pairs;
        }
        if (value instanceof Date date && Timestamp.LOGICAL_NAME.equals(schema.name())) {
            return NODES.numberNode(date.getTime());
        }
        if (value instanceof BigDecimal decimal) {
            return NODES.binaryNode(Decimal.fromLogical(schema, decimal));
        }
        byte[] converted = CONVERTER.fromConnectData("any", schema, value);
        try {
            return MAPPER.readTree(converted).get("payload");
        } catch (java.io.IOException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** Of a list or map whose entries have no schema in common. */
    private static JsonNode item(Schema schema, Object value) {
        return schema == null ? untyped(value) : typed(schema, value);
    }

    private static JsonNode untyped(Object value) {
        if (value == null) {
            return NODES.nullNode();
        } else if (value instanceof Boolean flag) {
            return NODES.booleanNode(flag);
        } else if (value instanceof String text) {
            return NODES.textNode(text);
        } else if (value instanceof Long number) {
            return NODES.numberNode(number);
        } else if (value instanceof Double number) {
            return NODES.numberNode(number);
        } else if (value instanceof List<?> list) {
            ArrayNode items = NODES.arrayNode();
            list.forEach(item -> items.add(untyped(item)));
            return items;
        } else if (value instanceof Map<?, ?> map) {
            ObjectNode entries = NODES.objectNode();
            new TreeMap<>(map).forEach((key, item) -> entries.set(key.toString(), untyped(item)));
            return entries;
        }
        return tagged(value);
    }

    private static JsonNode tagged(Object value) {
        if (value instanceof Byte number) {
            return tag("int8", NODES.numberNode(number));
        } else if (value instanceof Short number) {
            return tag("int16", NODES.numberNode(number));
        } else if (value instanceof Integer number) {
            return tag("int32", NODES.numberNode(number));
        } else if (value instanceof Float number) {
            return tag("float", NODES.numberNode(number));
        } else if (value instanceof BigDecimal || value instanceof BigInteger) {
            return tag("decimal", NODES.textNode(value.toString()));
        } else if (value instanceof Date date) {
            return tag("date", NODES.numberNode(date.getTime()));
        } else if (value instanceof byte[] bytes) {
            return tag("bytes", NODES.textNode(Base64.getEncoder().encodeToString(bytes)));
        } else if (value instanceof ByteBuffer buffer) {
            return tag("bytes", NODES.textNode(Base64.getEncoder().encodeToString(buffer.array())));
        }
        throw new IllegalArgumentException("no way to write a " + value.getClass());
    }

    private static ObjectNode tag(String type, JsonNode value) {
        return NODES.objectNode().put("$type", type).set("value", value);
    }
}

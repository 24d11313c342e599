import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.hadoop.HadoopCatalog;
import org.apache.iceberg.types.Types;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/**
 * Makes what Iceberg's sink needs: in a new warehouse the table bench.transactions, of zstd
 * Parquet by day, and the topic in which its tasks agree: NewTable FOLDER BROKER TOPIC.
 */
public class NewTable {
  public static void main(String[] args) throws Exception {
    Schema schema = new Schema(
        Types.NestedField.optional(1, "transaction_id", Types.LongType.get()),
        Types.NestedField.optional(2, "account_id", Types.LongType.get()),
        Types.NestedField.optional(3, "amount", Types.DecimalType.of(18, 2)),
        Types.NestedField.optional(4, "transaction_type", Types.StringType.get()),
        Types.NestedField.optional(5, "transaction_date", Types.TimestampType.withZone()),
        Types.NestedField.optional(6, "status", Types.StringType.get()),
        Types.NestedField.optional(7, "currency", Types.StringType.get()),
        Types.NestedField.optional(8, "channel", Types.StringType.get()),
        Types.NestedField.optional(9, "merchant", Types.StringType.get()),
        Types.NestedField.optional(10, "country", Types.StringType.get()));
    PartitionSpec byDay = PartitionSpec.builderFor(schema).day("transaction_date").build();
    try (HadoopCatalog catalog = new HadoopCatalog(new Configuration(), "file://" + args[0])) {
      catalog.createTable(TableIdentifier.of("bench", "transactions"), schema, byDay,
          Map.of("write.parquet.compression-codec", "zstd", "write.distribution-mode", "none"));
    }
    try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", args[1]))) {
      admin.createTopics(List.of(new NewTopic(args[2], 1, (short) 1))).all().get();
    }
  }
}

package dev.comfyapi.embedded;

import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.properties.MetaPropertiesEnsemble;
import org.apache.kafka.metadata.storage.Formatter;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/// A real Kafka broker inside this process: one node, broker and controller in one, on the loopback
/// address.
public final class KafkaServer implements AutoCloseable {

    private static final int NODE = 1;

    private final int port;
    private final KafkaRaftServer server;

    private KafkaServer(int port, KafkaRaftServer server) {
        this.port = port;
        this.server = server;
    }

    public static KafkaServer start(Path data) {
        return start(data, FreePort.find());
    }

    /// Starts on a folder, which is formatted the first time.
    public static KafkaServer start(Path data, int port) {
        return start(data, port, null);
    }

    /// A second way to the broker.
    ///
    /// @param port where it listens too
    /// @param advertised where those who came that way are told to come: something that leads there
    public record Detour(int port, int advertised) {}

    /// The same with a second way to it.
    public static KafkaServer start(Path data, int port, @Nullable Detour detour) {
        int controllerPort = FreePort.find();
        var config = new Properties();
        config.put("process.roles", "broker,controller");
        config.put("node.id", Integer.toString(NODE));
        config.put("controller.quorum.voters", NODE + "@127.0.0.1:" + controllerPort);
        config.put(
                "listeners",
                "PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d".formatted(port, controllerPort)
                        + (detour == null ? "" : ",DETOUR://127.0.0.1:" + detour.port()));
        config.put(
                "advertised.listeners",
                "PLAINTEXT://127.0.0.1:%d".formatted(port)
                        + (detour == null ? "" : ",DETOUR://127.0.0.1:" + detour.advertised()));
        config.put(
                "listener.security.protocol.map",
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,DETOUR:PLAINTEXT");
        config.put("controller.listener.names", "CONTROLLER");
        config.put("log.dirs", data.toAbsolutePath().toString());
        config.put("auto.create.topics.enable", "false");
        config.put("offsets.topic.replication.factor", "1");
        // Some 160 nearly empty partitions: small indexes, few threads.
        config.put("log.index.size.max.bytes", "65536");
        config.put("log.segment.bytes", "16777216");
        config.put("log.cleaner.enable", "false");
        config.put("num.network.threads", "1");
        config.put("num.io.threads", "2");
        config.put("num.recovery.threads.per.data.dir", "2");
        config.put("broker.session.timeout.ms", "3000");
        config.put("broker.heartbeat.interval.ms", "500");
        try {
            format(data);
        } catch (Exception e) {
            throw new IllegalStateException(
                    "Kafka's folder %s cannot be prepared".formatted(data), e);
        }
        var server = new KafkaRaftServer(KafkaConfig.fromProps(config, false), Time.SYSTEM);
        server.startup();
        return new KafkaServer(port, server);
    }

    private static void format(Path data) throws Exception {
        if (Files.exists(data.resolve(MetaPropertiesEnsemble.META_PROPERTIES_NAME))) {
            return;
        }
        Files.createDirectories(data);
        new Formatter()
                .setClusterId(Uuid.randomUuid().toString())
                .setNodeId(NODE)
                .setControllerListenerName("CONTROLLER")
                .setMetadataLogDirectory(data.toString())
                .setDirectories(java.util.List.of(data.toString()))
                .setIgnoreFormatted(true)
                .setPrintStream(new PrintStream(OutputStream.nullOutputStream()))
                .run();
    }

    public String address() {
        return "127.0.0.1:" + port;
    }

    public int port() {
        return port;
    }

    @Override
    public void close() {
        server.shutdown();
        server.awaitShutdown();
    }

    /// A broker in a process of its own: `KafkaServer <folder> <port>`; ends with the process.
    public static void main(String[] args) throws IOException {
        var server = start(Path.of(args[0]), Integer.parseInt(args[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::close));
        System.out.println("Kafka listens on " + server.address());
        try {
            Thread.currentThread().join();
        } catch (InterruptedException e) {
            throw new UncheckedIOException(new IOException("interrupted", e));
        }
    }
}
